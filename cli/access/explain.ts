import { Command } from "commander";
import { execa } from "execa";
import { explain, type CellFacts } from "../../core/audit/explain.ts";
import { explainQuestions } from "../../core/audit/explain-policy.ts";
import { explanationText } from "../../core/audit/explanation.ts";
import { readPodClaims } from "../../core/audit/pod-claims.ts";
import { isName } from "../../core/names.ts";
import { askPolicy } from "../live/ask-policy.ts";
import { addSideOptions, connectSides, type SideOptions, type Sides } from "../live/connect.ts";
import { podFacts } from "../live/read-pods.ts";
import { readTrustee } from "../live/read-trustee.ts";
import { kubectlCluster } from "../verify/kubectl.ts";
import { run, UsageError } from "./run.ts";

interface ExplainOptions extends SideOptions {
  readonly json: boolean;
}

/** How much of each KBS pod's log is looked at. Lines. */
const LOG_TAIL = 5000;

/** @returns the lines, or why they cannot be read */
async function readLog(sides: Sides): Promise<readonly string[] | string> {
  const { exitCode, stdout, stderr, code } = await execa(
    "kubectl",
    [
      ...kubectlCluster(sides.trusteeCluster),
      ...["logs", "--namespace", sides.place.namespace, "--selector", "app=kbs", "--container", "kbs"],
      ...["--tail", String(LOG_TAIL), "--max-log-requests", "50"],
    ],
    { reject: false, timeout: 20_000, stdin: "ignore" },
  );
  if (code === "ENOENT") return "there is no kubectl on PATH";
  if (exitCode !== 0) return stderr.trim().split("\n")[0] ?? "kubectl failed";
  return stdout.split("\n");
}

/** `pod` or `namespace/pod`. */
function podOf(text: string, sides: Sides): { readonly namespace: string; readonly name: string } {
  const [first = "", second, ...more] = text.split("/");
  const name = second ?? first;
  const namespace = second === undefined ? (sides.stack?.pods[name]?.namespace ?? "default") : first;
  if (more.length > 0 || !isName("subdomain", name) || !isName("label", namespace)) {
    throw new UsageError(`"${text}" names no pod: give pod or namespace/pod.`);
  }
  return { namespace, name };
}

function secretOf(text: string): { readonly secret: string; readonly key: string } {
  const [secret = "", key = "", ...more] = text.split("/");
  if (more.length > 0 || !isName("subdomain", secret) || !isName("secretKey", key)) {
    throw new UsageError(`"${text}" names no secret: give secret/key, e.g. p2-secret/secret.`);
  }
  return { secret, key };
}

async function readCellFacts(pod: string, path: string, options: ExplainOptions): Promise<CellFacts> {
  const { secret, key } = secretOf(path);
  const sides = await connectSides(options);
  const { namespace, name } = podOf(pod, sides);
  const [trustee, object, log] = await Promise.all([
    readTrustee(sides.trustee, sides.place, [secret]),
    sides.pods.get({ kind: "Pod", namespace, name }),
    readLog(sides),
  ]);
  const facts = object === undefined ? undefined : podFacts(object);
  const claims = facts === undefined ? undefined : readPodClaims(facts);
  const readable = claims === undefined || "problem" in claims ? undefined : claims;
  return {
    trustee,
    podName: `${namespace}/${name}`,
    pod: facts,
    secret,
    key,
    answers: await askPolicy(trustee, explainQuestions(trustee, readable, secret, key)),
    declared: sides.stack?.pods[name]?.namespace === namespace ? sides.stack.annotations[name] : undefined,
    log,
  };
}

/** `access explain`: why one pod is, or is not, given one secret. */
export function explainCommand(): Command {
  const command = new Command("explain")
    .description("Says why a pod is, or is not, given a secret: every condition, expected against seen.")
    .argument("<pod>", "pod or namespace/pod")
    .argument("<secret>", "secret/key");
  return addSideOptions(command)
    .option("--json", "print the explanation as JSON", false)
    .addHelpText(
      "after",
      "\nReads only, and never a Secret's content.\nExit code: 0 if it could be explained, whatever the answer; 2 if it could not be run.",
    )
    .action((pod: string, secret: string, options: ExplainOptions) =>
      run(async () => {
        const explanation = explain(await readCellFacts(pod, secret, options));
        process.stdout.write(
          `${options.json ? JSON.stringify(explanation, null, 2) : explanationText(explanation)}\n`,
        );
        return true;
      }),
    );
}
