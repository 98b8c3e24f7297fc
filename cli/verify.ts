import { Command, InvalidArgumentError } from "commander";
import { Listr } from "listr2";
import { expectedCells, readStack, StackError, type StackOutputs } from "./stack.ts";
import { readCell, type VerifiedCell } from "./verify/read-cell.ts";
import { verifySummary, verifyTable } from "./verify/show.ts";

interface Options {
  readonly stack?: string;
  readonly json: boolean;
  readonly timeout: number;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("a number of seconds above zero");
  return value;
}

/** All cells, the pods side by side and each pod's cells one after the other; progress goes to standard error. */
async function readCells(stack: StackOutputs, options: Options): Promise<readonly VerifiedCell[]> {
  const expected = expectedCells(stack);
  const pods = [...new Set(expected.map(({ namespace, pod }) => `${namespace}/${pod}`))];
  const results = new Map<string, VerifiedCell[]>();
  const tasks = new Listr(
    pods.map((pod) => ({
      title: pod,
      task: async (_, task) => {
        const cells: VerifiedCell[] = [];
        results.set(pod, cells);
        for (const cell of expected.filter((one) => `${one.namespace}/${one.pod}` === pod)) {
          task.title = `${pod}: reading ${cell.secret}/${cell.key}`;
          cells.push(await readCell(cell, stack, options.timeout * 1000));
        }
        task.title = `${pod}: ${cells.length} cells read`;
      },
    })),
    {
      concurrent: 8,
      renderer: process.stderr.isTTY && !options.json ? "default" : "silent",
      ...(process.stderr.isTTY ? { rendererOptions: { collapseSubtasks: false } } : {}),
    },
  );
  await tasks.run();
  return pods.flatMap((pod) => results.get(pod) ?? []);
}

async function verify(options: Options): Promise<void> {
  const cells = await readCells(await readStack(options.stack), options);
  const ok = cells.every((cell) => cell.ok);
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ ok, cells }, null, 2)}\n`
      : `${verifyTable(cells)}\n${verifySummary(cells)}\n`,
  );
  process.exitCode = ok ? 0 : 1;
}

const command = new Command("verify")
  .description("Reads every secret from inside every pod of a stack, and compares with its access matrix.")
  .option("-s, --stack <name>", "the stack (default: the selected one)")
  .option("--json", "print the cells as JSON", false)
  .option("--timeout <seconds>", "how long one cell may take", seconds, 30)
  .addHelpText(
    "after",
    "\nExit code: 0 if every cell is as the stack says, 1 if one differs, 2 if it could not be run.",
  )
  .action(async (options: Options) => {
    try {
      await verify(options);
    } catch (error) {
      if (!(error instanceof StackError)) throw error;
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 2;
    }
  });

await command.parseAsync();
