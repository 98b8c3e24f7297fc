import { Command } from "commander";
import { findOpa } from "../opa/opa.ts";
import { outcomeOf, prove } from "../check/prove.ts";
import { proofText } from "../check/show.ts";
import { readPolicy, stackToCheck } from "../check/source.ts";
import { print, printJson, run } from "./run.ts";
import { UserError } from "../../core/issues.ts";

interface Options {
  readonly stack?: string;
  readonly live?: true;
  readonly preview?: true;
  readonly policy?: string;
  readonly json?: true;
}

async function check(options: Options): Promise<boolean> {
  const named = [options.live, options.preview, options.policy].filter((one) => one !== undefined);
  if (named.length > 1) {
    throw new UserError("TA951", "--live, --preview and --policy exclude each other. Give one of them.");
  }
  const opa = await findOpa();
  if ("reason" in opa) throw new UserError("TA953", opa.reason);
  const policy = await readPolicy(await stackToCheck(options.stack, options), options);
  const proof = await prove(policy, opa.program, process.stdout.isTTY && options.json === undefined);
  const ok = outcomeOf(proof) === "holds";
  if (options.json === true) printJson({ ok, ...proof });
  else print(proofText(proof, policy.stack));
  return ok;
}

/** `trustee-access check`: compares the stack's policies in a real Rego engine with the model. */
export function checkCommand(): Command {
  return new Command("check")
    .description(
      "Proves, offline in OPA, that the policies answer every request as the stack's grants require.",
    )
    .option("-s, --stack <name>", "the stack (default: the selected one)")
    .option("--live", "the resource policy in the cluster, not that of the stack's outputs")
    .option("--preview", "the policies that the next pulumi up would deploy; runs pulumi preview")
    .option("--policy <file>", "the resource policy in a file")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nNeeds OPA 1.0 or newer: on the PATH, or named in $TRUSTEE_ACCESS_OPA.\n" +
        "Exit code: 0 if every request is answered as the stack's grants require,\n" +
        "1 if an answer differs or cannot be judged, 2 if it could not run.",
    )
    .action((options: Options) => run(() => check(options)));
}
