import { KubeconfigError } from "../../kube/cluster.ts";
import { KubeError } from "../../kube/errors.ts";
import { StackError } from "../stack.ts";

/** A command cannot be run as asked; the message says what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const expected = [UsageError, StackError, KubeError, KubeconfigError];

/**
 * Runs a subcommand's action. Its answer becomes the exit code (true: 0, false: 1); what the user can mend is said on
 * standard error, without a stack trace, and ends with 2.
 */
export async function run(action: () => Promise<boolean>): Promise<void> {
  try {
    process.exitCode = (await action()) ? 0 : 1;
  } catch (error) {
    if (!expected.some((type) => error instanceof type)) throw error;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
