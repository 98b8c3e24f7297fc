import { Command } from "commander";
import { explain, type CellFacts } from "../explain/explain.ts";
import type { PodLog } from "../explain/log.ts";
import { explainQuestions } from "../explain/policy.ts";
import { explanationText } from "../explain/explanation.ts";
import type { TrusteeFacts } from "../audit/facts.ts";
import { readPodClaims } from "../audit/pod-claims.ts";
import { isName } from "../../core/names.ts";
import { own } from "../../core/records.ts";
import { askPolicy } from "../live/ask-policy.ts";
import { addSideOptions, connectSides, type SideOptions, type Sides } from "../live/connect.ts";
import { readGlobalInitdata } from "../live/global-initdata.ts";
import { readKbsLogs } from "../live/read-kbs-log.ts";
import { readTrustee } from "../live/read-trustee.ts";
import { runningPods } from "../live/read-pods.ts";
import { declaredPods, stackFacts, type DeclaredPod } from "../audit/stack.ts";
import { print, printJson, run } from "./run.ts";
import { UserError } from "../../core/issues.ts";

interface ExplainOptions extends SideOptions {
  readonly json?: true;
}

/** Trustee's side and the logs of the KBS's pods. */
async function readTrusteeAndLog(
  { trustee, place }: Sides,
  secret: string,
): Promise<readonly [TrusteeFacts, readonly PodLog[]]> {
  const facts = await readTrustee(trustee, place, [secret]);
  const pods = facts.kbsPods.map(({ name }) => name);
  return [facts, await readKbsLogs(trustee, place.namespace, pods)];
}

/** Finds the named pod: one of the stack in any namespace, else `pod` or `namespace/pod`. */
function podOf(text: string, { stack }: Sides): DeclaredPod {
  const [first = "", second, ...more] = text.split("/");
  const [namespace, name] = second === undefined ? ["default", first] : [first, second];
  if (more.length > 0 || !isName("subdomain", name) || !isName("label", namespace)) {
    throw new UserError("TA951", `"${text}" is not a pod's name. Give pod or namespace/pod.`);
  }
  const [declared, ...others] = stack === undefined ? [] : declaredPods(stack, text);
  if (others.length > 0) {
    const names = [declared, ...others].flatMap((pod) =>
      pod === undefined ? [] : [`${pod.namespace}/${pod.name}`],
    );
    throw new UserError("TA951", `"${text}" may be any of ${names.join(", ")}. Add the namespace.`);
  }
  return declared ?? { id: text, kind: "Pod", namespace, name };
}

function secretOf(text: string): { readonly secret: string; readonly key: string } {
  const [secret = "", key = "", ...more] = text.split("/");
  if (more.length > 0 || !isName("subdomain", secret) || !isName("secretKey", key)) {
    throw new UserError(
      "TA951",
      `"${text}" is not a secret's key. Give secret/key, for example p2-secret/secret.`,
    );
  }
  return { secret, key };
}

async function readCellFacts(pod: string, path: string, options: ExplainOptions): Promise<CellFacts> {
  const { secret, key } = secretOf(path);
  const sides = await connectSides(options);
  const declared = podOf(pod, sides);
  const { namespace, name, kind } = declared;
  const [[trustee, log], running] = await Promise.all([
    readTrusteeAndLog(sides, secret),
    runningPods(sides.pods, declared),
  ]);
  const [facts] = running;
  const claims = facts === undefined ? undefined : readPodClaims(facts);
  const readable = claims === undefined || "problem" in claims ? undefined : claims;
  const globalInitdata =
    facts === undefined || claims !== undefined ? undefined : await readGlobalInitdata(sides.pods, facts);
  const { annotations = {} } = sides.stack ?? {};
  return {
    trustee,
    podName:
      kind === "Pod" ? `${namespace}/${name}` : `${namespace}/${facts?.name ?? name} (${kind} ${name})`,
    pod: facts,
    secret,
    key,
    answers: await askPolicy(trustee, explainQuestions(trustee, readable, secret, key)),
    declared: own(annotations, declared.id),
    stack: sides.stack === undefined ? undefined : stackFacts(sides.stack),
    reader: declared.id,
    globalInitdata,
    log,
  };
}

/** `trustee-access explain`: why a pod gets a secret or does not. */
export function explainCommand(): Command {
  const command = new Command("explain")
    .description(
      "Explains why a pod gets a secret or does not: every condition, with expected and actual values.",
    )
    .argument(
      "<pod>",
      "pod or namespace/pod; with --stack, also a Deployment, StatefulSet or Job of the stack",
    )
    .argument("<secret/key>", "for example p2-secret/secret");
  return addSideOptions(command)
    .option("--json", "print the explanation as JSON")
    .addHelpText(
      "after",
      "\nReads only, and never a Secret's content.\n" +
        "OPA (on the PATH, or named in $TRUSTEE_ACCESS_OPA) evaluates the policy.\n" +
        "Exit code: 0 if there is an explanation, 2 if it could not run.",
    )
    .action((pod: string, secret: string, options: ExplainOptions) =>
      run(async () => {
        const explanation = explain(await readCellFacts(pod, secret, options));
        if (options.json === true) printJson(explanation);
        else print(explanationText(explanation));
        return true;
      }),
    );
}
