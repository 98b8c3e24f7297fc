import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { Command } from "commander";
import { doubtWords } from "../../core/access/changes.ts";
import { diffMarkdown } from "../diff/markdown.ts";
import { diffReaders, initdataChanges } from "../diff/readers.ts";
import { diffAccess, diffText, doubtsIn, withProgramChanges, type AccessDiff } from "../diff/diff.ts";
import { readDeployed, readPreview } from "../diff/preview.ts";
import { cannotRead } from "../live/cannot-read.ts";
import { runPreview } from "../live/run-preview.ts";
import { print, printJson, run, writeReport } from "./run.ts";
import { UserError } from "../../core/issues.ts";

interface DiffOptions {
  readonly stack?: string;
  readonly events?: string;
  readonly deployed?: string;
  readonly json?: true;
  readonly markdown?: string;
  readonly allowOpens?: true;
}

/** Standard input is read as a stream: if it is a socket, /dev/stdin cannot be opened. */
async function read(file: string): Promise<string> {
  return (file === "-" ? text(process.stdin) : readFile(file, "utf8")).catch(cannotRead(file));
}

async function diff(options: DiffOptions): Promise<boolean> {
  if (options.stack !== undefined && options.events !== undefined) {
    throw new UserError(
      "TA951",
      "--stack and --events exclude each other: the events already name their stack. Give one of them.",
    );
  }
  const events = await (options.events === undefined ? runPreview(options.stack) : read(options.events));
  const { before: previewed, after } = readPreview(events);
  const before = options.deployed === undefined ? previewed : readDeployed(await read(options.deployed));
  const found = [...diffAccess(before?.access, after.access), ...diffReaders(before, after)];
  const difference: AccessDiff = {
    changes: withProgramChanges(found, after.accessChanges),
    initdata: initdataChanges(before, after),
    otherReaders: after.otherReaders,
    doubts: doubtsIn(after.accessChanges),
  };
  const opens = difference.changes.some(({ effect }) => effect === "opens");
  const ok = !opens || options.allowOpens === true;
  if (options.markdown !== undefined) {
    await writeReport(options.markdown, diffMarkdown(after.access, difference));
  }
  const doubts = difference.doubts.map((doubt) => doubtWords[doubt]);
  if (options.json === true) printJson({ ok, opens, access: after.access, ...difference, doubts });
  else print(diffText(difference));
  return ok;
}

/** `trustee-access diff`: the access that a previewed deployment would change. */
export function diffCommand(): Command {
  return new Command("diff")
    .description("Shows which cells of the access matrix a preview opens and closes; fails if one opens.")
    .option("-s, --stack <name>", "the stack to preview (default: the selected one)")
    .option(
      "--events <file>",
      "the events of a preview that already ran, or - for standard input (see below); not with --stack",
    )
    .option(
      "--deployed <file>",
      "the output of pulumi stack output --json (default: the deployed state in the preview)",
    )
    .option(
      "--markdown <file>",
      "also write the matrix and its changes as Markdown, for example for a comment",
    )
    .option("--allow-opens", "do not fail if a cell opens")
    .option("--json", "print the changes as JSON")
    .addHelpText(
      "after",
      "\nRuns pulumi preview. The events of a preview hold secret values in base64, so\n" +
        "pipe them and keep no file:\n" +
        "  PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json | npx trustee-access diff --events -\n" +
        "Exit code: 0 if no cell opens or --allow-opens is given, 1 if one opens,\n" +
        "2 if it could not run.",
    )
    .action((options: DiffOptions) => run(() => diff(options)));
}
