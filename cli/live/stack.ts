import { execa } from "execa";
import { stackOutputs, type StackOutputs } from "../../core/plan/outputs.ts";
import { parseJson } from "../../core/records.ts";
import { UserError } from "../../core/issues.ts";

/** @param code of execa's result. @throws UserError if there is no pulumi */
export function needPulumi(code: string | undefined): void {
  if (code !== "ENOENT") return;
  throw new UserError(
    "TA953",
    "pulumi is not on PATH. Install the Pulumi CLI, or eval the sandbox's environment.",
  );
}

/**
 * Reads the outputs of the selected stack, or of `stack`, through the pulumi CLI: so every backend works.
 * @throws UserError
 */
export async function readStack(stack?: string): Promise<StackOutputs> {
  const selected = stack === undefined ? [] : ["--stack", stack];
  const { stdout, stderr, exitCode, code } = await execa(
    "pulumi",
    ["stack", "output", "--json", "--non-interactive", ...selected],
    { reject: false },
  );
  needPulumi(code);
  if (exitCode !== 0) {
    throw new UserError(
      "TA954",
      `The stack cannot be read: ${stderr.trim()}\nSelect a stack with --stack, and sign in to its backend: pulumi login.`,
    );
  }
  const outputs = parseJson(stdout);
  if (outputs === undefined) {
    throw new UserError(
      "TA954",
      "The stack cannot be read: pulumi stack output --json did not print JSON. Run it to see why.",
    );
  }
  return parseOutputs(outputs, "run pulumi up first, or export all outputs of declareTrusteeAccess");
}

/**
 * A stack's outputs, deployed or previewed.
 * @param fix what to do if they are not this program's
 * @throws UserError
 */
export function parseOutputs(outputs: unknown, fix: string): StackOutputs {
  const parsed = stackOutputs.safeParse(outputs);
  if (parsed.success) return parsed.data;
  const missing = parsed.error.issues.map(({ path }) => path.join(".")).join(", ");
  throw new UserError("TA954", `The stack lacks outputs of this program (${missing}): ${fix}.`);
}
