import { Command, InvalidArgumentError } from "commander";
import { junit } from "../lint/junit.ts";
import { print, printJson, run, writeReport } from "./run.ts";
import { UserError } from "../../core/issues.ts";
import { readStack } from "../live/stack.ts";
import { expectedCells } from "../audit/stack.ts";
import { tellApart } from "../verify/attestation.ts";
import { KbsLog } from "../verify/kbs-log.ts";
import { readCells, unasked } from "../verify/read-cells.ts";
import { logProblemText, verifyCases, verifySummary, verifyTable } from "../verify/show.ts";

interface Options {
  readonly stack?: string;
  readonly json?: true;
  readonly junit?: string;
  readonly timeout: number;
  readonly parallel: number;
  /** False with --no-log. */
  readonly log: boolean;
}

function positive(what: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError(`Give a ${what} above zero.`);
    return value;
  };
}

async function verify(options: Options): Promise<boolean> {
  const stack = await readStack(options.stack);
  if (expectedCells(stack).length === 0) {
    throw new UserError(
      "TA956",
      "There is nothing to verify: the stack declares no pod or no secret. Declare both, run pulumi up, then verify again.",
    );
  }
  const { cluster, namespace } = stack.trustee;
  const opened = options.log ? await KbsLog.open({ cluster, namespace }) : { problem: "--no-log was given" };
  const log = opened instanceof KbsLog ? opened : undefined;
  try {
    const read = await readCells({
      stack,
      timeout: options.timeout * 1000,
      parallel: options.parallel,
      log,
      progress: process.stderr.isTTY && options.json === undefined,
    });
    const notAsked = unasked(stack, read);
    if (read.length === 0) {
      throw new UserError(
        "TA956",
        `No cell was tried: ${notAsked.join(", ")} ${notAsked.length === 1 ? "is" : "are"} deployed elsewhere. Select a stack whose pods run in its cluster.`,
      );
    }
    const { cells, lost, problem: sidesProblem } = await tellApart(stack, read);
    const problem = opened.problem === undefined ? undefined : logProblemText(opened.problem, namespace);
    const ok = cells.every((cell) => cell.ok);
    if (options.junit !== undefined) await writeReport(options.junit, junit("verify", verifyCases(cells)));
    if (options.json === true) {
      printJson({ ok, logProblem: problem, attestationProblem: sidesProblem, lost, notAsked, cells });
    } else {
      print(
        `${verifyTable(cells)}\n${verifySummary(cells, { notAsked, lost, logProblem: problem, sidesProblem })}`,
      );
    }
    return ok;
  } finally {
    log?.close();
  }
}

/** `trustee-access verify`: reads every cell of the matrix from inside the running pods. */
export function verifyCommand(): Command {
  return new Command("verify")
    .description("Reads every secret from inside every pod of a stack, and compares with its access matrix.")
    .option("-s, --stack <name>", "the stack (default: the selected one)")
    .option("--json", "print the cells as JSON")
    .option("--junit <file>", "also write the cells as a JUnit report")
    .option("--timeout <seconds>", "how long one cell may take", positive("number of seconds"), 30)
    .option("--parallel <pods>", "how many pods to read in at a time", positive("number"), 8)
    .option("--no-log", "do not read the KBS's log for the reason of a denial")
    .addHelpText(
      "after",
      "\nExit code: 0 if every cell is as the stack says, 1 if one differs,\n2 if it could not run or there is no cell.",
    )
    .action((options: Options) => run(() => verify(options)));
}
