import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { Command } from "commander";
import { doubtWords } from "../../core/access/changes.ts";
import { diffMarkdown } from "../diff/markdown.ts";
import { diffReaders, initdataChanges } from "../diff/readers.ts";
import { diffAccess, diffText, doubtsIn, withProgramChanges, type AccessDiff } from "../diff/diff.ts";
import { readDeployed, readPreview } from "../diff/preview.ts";
import { messageOf } from "../../core/records.ts";
import { runPreview } from "../live/run-preview.ts";
import { print, printJson, run, writeReport } from "./run.ts";
import { UserError } from "../../core/issues.ts";

interface DiffOptions {
  readonly stack?: string;
  readonly preview?: string;
  readonly deployed?: string;
  readonly json: boolean;
  readonly markdown?: string;
  readonly allowOpens: boolean;
}

/** Standard input is read as a stream: if it is a socket, /dev/stdin cannot be opened. */
async function read(file: string): Promise<string> {
  try {
    return await (file === "-" ? text(process.stdin) : readFile(file, "utf8"));
  } catch (error) {
    throw new UserError("TA952", `Cannot read ${file}: ${messageOf(error)}`);
  }
}

async function diff(options: DiffOptions): Promise<boolean> {
  if (options.stack !== undefined && options.preview !== undefined) {
    throw new UserError(
      "TA951",
      "--stack and --preview exclude each other: the events already name their stack. Give one of them.",
    );
  }
  const events = await (options.preview === undefined ? runPreview(options.stack) : read(options.preview));
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
  const ok = !opens || options.allowOpens;
  if (options.markdown !== undefined) {
    await writeReport(options.markdown, diffMarkdown(after.access, difference));
  }
  const doubts = difference.doubts.map((doubt) => doubtWords[doubt]);
  if (options.json) printJson({ ok, opens, access: after.access, ...difference, doubts });
  else print(diffText(difference));
  return ok;
}

/** `trustee-access diff`: the access that a previewed deployment would change. */
export function diffCommand(): Command {
  return new Command("diff")
    .description("Shows which cells of the access matrix a preview opens and closes; fails if one opens.")
    .option("-s, --stack <name>", "the stack to preview (default: the selected one)")
    .option(
      "--preview <file>",
      "the events of a preview that already ran, or - for standard input (see below)",
    )
    .option(
      "--deployed <file>",
      "the output of pulumi stack output --json (default: the deployed state in the preview)",
    )
    .option(
      "--markdown <file>",
      "also write the matrix and its changes as Markdown, for example for a comment",
    )
    .option("--allow-opens", "do not fail if a cell opens", false)
    .option("--json", "print the changes as JSON", false)
    .addHelpText(
      "after",
      "\nRuns pulumi preview. The events of a preview hold secret values in base64, so pipe them and keep no file:\n" +
        "  PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json | npx trustee-access diff --preview -\n" +
        "Exit code: 0 if no cell opens or --allow-opens is given, 1 if one opens, 2 if diff could not run.",
    )
    .action((options: DiffOptions) => run(() => diff(options)));
}
