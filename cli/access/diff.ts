import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { Command } from "commander";
import { doubtWords } from "../../core/access/changes.ts";
import { diffMarkdown } from "../../core/access/diff-markdown.ts";
import { diffReaders, initdataChanges } from "../../core/access/diff-readers.ts";
import {
  diffAccess,
  diffText,
  doubtsIn,
  withProgramChanges,
  type AccessDiff,
} from "../../core/access/diff.ts";
import { PreviewError, readDeployed, readPreview } from "../../core/access/preview.ts";
import { writeReport } from "../report-file.ts";
import { print, printJson, run, UsageError } from "./run.ts";

interface DiffOptions {
  readonly preview: string;
  readonly deployed?: string;
  readonly json: boolean;
  readonly markdown?: string;
  readonly allowOpens: boolean;
}

/** Standard input is taken as the stream that it is: where it is a socket, it has no path that could be opened. */
async function read(file: string): Promise<string> {
  try {
    return await (file === "-" ? text(process.stdin) : readFile(file, "utf8"));
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function diff(options: DiffOptions): Promise<boolean> {
  const { before: previewed, after } = readPreview(await read(options.preview));
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

/** `access diff`: what a previewed deployment would change about who may read what. */
export function diffCommand(): Command {
  return new Command("diff")
    .description("Says which cells of the access matrix a preview opens and closes; fails if one opens.")
    .requiredOption("--preview <file>", "the events of a preview, or - for standard input (see below)")
    .option(
      "--deployed <file>",
      "what pulumi stack output --json prints (default: what the preview says was deployed)",
    )
    .option("--markdown <file>", "write the matrix and its change as Markdown too, e.g. for a comment")
    .option("--allow-opens", "do not fail where a cell opens", false)
    .option("--json", "print the change as JSON", false)
    .addHelpText(
      "after",
      "\nMake the events with: PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json > preview.json\n" +
        "Exit code: 0 if no cell opens or --allow-opens is given, 1 if one opens, 2 if it could not be run.",
    )
    .action((options: DiffOptions) =>
      run(async () => {
        try {
          return await diff(options);
        } catch (error) {
          throw error instanceof PreviewError ? new UsageError(error.message) : error;
        }
      }),
    );
}
