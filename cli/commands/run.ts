import { writeFile } from "node:fs/promises";
import { CommanderError, type Command } from "commander";
import { messageOf } from "../../core/records.ts";
import { shownJson, shownText } from "../../core/shown.ts";
import { UserError } from "../../core/issues.ts";

/** Prints a command's result. It may quote live data, so terminal escapes are removed. */
export function print(text: string): void {
  process.stdout.write(`${shownText(text)}\n`);
}

/** Prints a command's result as JSON. */
export function printJson(value: unknown): void {
  process.stdout.write(`${shownJson(value)}\n`);
}

/** Writes a report to a file. @throws UserError if it cannot */
export async function writeReport(file: string, content: string): Promise<void> {
  try {
    await writeFile(file, content);
  } catch (error) {
    throw new UserError(
      "TA952",
      `Cannot write ${file}: ${messageOf(error)}. Correct the path, or the permissions.`,
    );
  }
}

/** Exit code of a command that could not run. 1 means that it ran and found a problem. */
const NOT_RUN = 2;

/** Message for an unexpected error: first line and stack. Later lines may be a subprocess's output. */
function unexpectedText(error: unknown): string {
  if (!(error instanceof Error)) return `Unexpected error: ${String(error)}`;
  const [message = ""] = error.message.split("\n");
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return [`Unexpected error: ${error.name}: ${message}`, ...frames].join("\n");
}

function notRun(error: unknown): void {
  const text = error instanceof UserError ? error.message : unexpectedText(error);
  process.stderr.write(`${shownText(text)}\n`);
  process.exitCode = NOT_RUN;
}

/**
 * Runs a subcommand's action and sets the exit code: 0 for true, 1 for false, 2 for an error.
 * Errors go to standard error; those that the user can fix have no stack trace.
 */
export async function run(action: () => Promise<boolean>): Promise<void> {
  try {
    process.exitCode = (await action()) ? 0 : 1;
  } catch (error) {
    notRun(error);
  }
}

/** Commander's message with our code, and with what to do if commander does not say it. */
function usageText(text: string, command: Command): string {
  const message = text.replace(/^error: /, "TA951 ").trimEnd();
  if (/ is invalid\. .*\.$/.test(message)) return `${message}\n`;
  const help =
    command.parent === null
      ? "the commands: trustee-access help"
      : `its usage: trustee-access help ${command.name()}`;
  return `${message.replace(/[^.)]$/, "$&.")} See ${help}\n`;
}

/** Commander applies these settings only to subcommands that it creates itself. */
function throwing(command: Command): void {
  command.exitOverride().configureOutput({
    outputError: (text, write) => {
      write(usageText(text, command));
    },
  });
  for (const subcommand of command.commands) throwing(subcommand);
}

/** Runs a program by its command line. If commander rejects it (and has printed why), the exit code is 2. */
export async function runProgram(program: Command): Promise<void> {
  throwing(program);
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) notRun(error);
    else if (error.exitCode !== 0) process.exitCode = NOT_RUN;
  }
}
