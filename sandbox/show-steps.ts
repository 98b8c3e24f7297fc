import { Listr } from "listr2";
import { atMostEvery } from "./progress.ts";
import type { Step } from "./start.ts";

/** How often a log gets a line of progress. Milliseconds. */
const LOG_INTERVAL = 15_000;

/**
 * Carries out the steps of a start. On a terminal each has a line, and below it one that moves and the step's notices;
 * elsewhere, where every line stays, progress is a line each 15 seconds. Signals are the caller's affair.
 * @throws Error of the step that failed, which has been shown by then
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
