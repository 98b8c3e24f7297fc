import { Listr } from "listr2";
import { expectedCells, type ExpectedCell } from "../audit/stack.ts";
import type { StackOutputs } from "../../core/plan/outputs.ts";
import { Turns } from "../../kube/turns.ts";
import type { KbsLog } from "./kbs-log.ts";
import { readCell, type ReadCell, type VerifiedCell } from "./read-cell.ts";

export interface ReadOptions {
  readonly stack: StackOutputs;
  /** Of one cell, milliseconds. */
  readonly timeout: number;
  /** Pods at a time. */
  readonly parallel: number;
  readonly log: KbsLog | undefined;
  /** Whether to show progress, on standard error. */
  readonly progress: boolean;
}

function podOf({ namespace, pod }: ExpectedCell): string {
  return `${namespace}/${pod}`;
}

/** Each pod starts with another secret than its neighbours, so they rarely wait for each other. */
function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

/**
 * Reads all cells, in the stack's order. Pods are read in parallel, a pod's cells in sequence. Two pods never
 * read the same secret at once, so the KBS's log shows whose request it was. Ambiguous cells are read again
 * alone.
 */
export async function readCells(options: ReadOptions): Promise<readonly VerifiedCell[]> {
  const { stack, timeout, log } = options;
  const expected = expectedCells(stack).filter(({ target }) => target !== undefined);
  const results = new Map<ExpectedCell, ReadCell>();
  const turns = new Turns();
  const read = async (cell: ExpectedCell): Promise<void> => {
    results.set(cell, await readCell(cell, stack, timeout, log));
  };
  const pods = [...Map.groupBy(expected, podOf)];
  const tasks = new Listr(
    [
      {
        title: "Reading every secret in every pod",
        task: (_, task) =>
          task.newListr(
            pods.map(([pod, cells], index) => ({
              title: pod,
              task: async (_context, podTask) => {
                for (const cell of rotated(cells, index)) {
                  podTask.title = `${pod}: ${cell.secret}/${cell.key}`;
                  // Without a log, no lines have to be matched to requests.
                  if (log === undefined) await read(cell);
                  else await turns.take(`${cell.secret}/${cell.key}`, () => read(cell));
                }
                podTask.title = `${pod}: ${cells.length} cells read`;
              },
            })),
            { concurrent: options.parallel },
          ),
      },
      {
        title: "Reading ambiguous cells again, one at a time",
        skip: () => [...results.values()].every(({ sure }) => sure),
        task: async () => {
          for (const cell of expected) if (results.get(cell)?.sure === false) await read(cell);
        },
      },
    ],
    {
      renderer: options.progress ? "default" : "silent",
      ...(options.progress ? { rendererOptions: { collapseSubtasks: false } } : {}),
    },
  );
  await tasks.run();
  // A pod that is deployed elsewhere may be missing here.
  return expected.flatMap((cell) => {
    const found = results.get(cell)?.cell;
    return found === undefined || (!cell.deployed && found.seen === "pod-missing") ? [] : [found];
  });
}

/** The readers that were not tried, since they are not in this stack's cluster. */
export function unasked(stack: StackOutputs, cells: readonly VerifiedCell[]): readonly string[] {
  const readers = expectedCells(stack).filter(
    ({ namespace, pod }) => !cells.some((cell) => cell.namespace === namespace && cell.pod === pod),
  );
  return [...new Set(readers.map(({ reader }) => reader))];
}
