import { CommanderError, type Command } from "commander";
import { shownJson, shownText } from "../../core/policy/shown-name.ts";
import { KubeconfigError, KubeError } from "../../kube/errors.ts";
import { StackError } from "./stack.ts";

/** Prints what a command found, which may quote what is live: nothing in it steers a terminal. */
export function print(text: string): void {
  process.stdout.write(`${shownText(text)}\n`);
}

/** Prints it for a machine. */
export function printJson(value: unknown): void {
  process.stdout.write(`${shownJson(value)}\n`);
}

/** A command cannot be run as asked; the message says what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const expected = [UsageError, StackError, KubeError, KubeconfigError];

/** What a command ends with where it could not be run: 1 says that it was run, and found a difference. */
const NOT_RUN = 2;

/** What to say of an error that nobody has thought of: its first line, since more may be a program's output, and where it was. */
function unexpectedText(error: unknown): string {
  if (!(error instanceof Error)) return `Something unexpected went wrong: ${String(error)}`;
  const [message = ""] = error.message.split("\n");
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return [`Something unexpected went wrong: ${error.name}: ${message}`, ...frames].join("\n");
}

function notRun(error: unknown): void {
  const isExpected = error instanceof Error && expected.some((type) => error instanceof type);
  process.stderr.write(`${shownText(isExpected ? error.message : unexpectedText(error))}\n`);
  process.exitCode = NOT_RUN;
}

/**
 * Runs a subcommand's action. Its answer becomes the exit code (true: 0, false: 1); why it could not be run is said on
 * standard error, and ends with 2. What the user can fix is said without a stack trace.
 */
export async function run(action: () => Promise<boolean>): Promise<void> {
  try {
    process.exitCode = (await action()) ? 0 : 1;
  } catch (error) {
    notRun(error);
  }
}

/** Commander takes the behaviour of a command for its subcommands only where it makes them itself. */
function throwing(command: Command): void {
  command.exitOverride();
  for (const subcommand of command.commands) throwing(subcommand);
}

/** Runs a program by its command line. What commander itself refuses, which it has said by then, ends with 2 too. */
export async function runProgram(program: Command): Promise<void> {
  throwing(program);
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) notRun(error);
    else if (error.exitCode !== 0) process.exitCode = NOT_RUN;
  }
}
