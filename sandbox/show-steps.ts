import { Listr } from "listr2";
import type { Step } from "./start.ts";

/** The interval between two progress lines in a log. Milliseconds. */
const LOG_INTERVAL = 15_000;

/**
 * Limits progress output in a log to one line per interval. The first line is not delayed.
 * @param interval milliseconds
 * @returns whether to print at `now`, in milliseconds of a clock that never goes back
 */
export function atMostEvery(interval: number): (now: number) => boolean {
  let next = Number.NEGATIVE_INFINITY;
  return (now) => {
    if (now < next) return false;
    next = now + interval;
    return true;
  };
}

/**
 * Runs the steps of a start and shows their progress.
 * - On a terminal, each step has a line, a progress line that is overwritten, and its notices.
 * - In a log, progress is one line every 15 seconds.
 *
 * The caller handles signals.
 * @throws the error of the step that failed; it is already shown
 */
export async function showSteps(steps: readonly Step[]): Promise<void> {
  const due = atMostEvery(LOG_INTERVAL);
  const moves = process.stdout.isTTY;
  const tasks = steps.map((step) => ({
    title: step.title,
    task: async (_: unknown, task: { output: string | null }) => {
      const notices: string[] = [];
      try {
        await step.run((text, kind) => {
          if (kind === "notice") notices.push(text);
          if (moves) task.output = [...notices, ...(kind === "notice" ? [] : [text])].join("\n");
          else if (kind === "notice" || due(performance.now())) task.output = text;
        });
      } finally {
        if (moves) task.output = null;
        if (moves && notices.length > 0) task.output = notices.join("\n");
      }
    },
    rendererOptions: { outputBar: 1, persistentOutput: true },
  }));
  await new Listr(tasks, { fallbackRenderer: "verbose", registerSignalListeners: false }).run();
}
