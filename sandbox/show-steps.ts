import { Listr } from "listr2";
import type { Step } from "./start.ts";

/**
 * Carries out the steps of a start with a line for each on the terminal. Signals are the caller's affair.
 * @throws Error of the step that failed, which has been shown by then
 */
export async function showSteps(steps: readonly Step[]): Promise<void> {
  const tasks = steps.map((step) => ({
    title: step.title,
    task: async (_: unknown, task: { output: string }) =>
      step.run((detail) => {
        task.output = detail;
      }),
    rendererOptions: { outputBar: 1, persistentOutput: step.title.startsWith("Kubernetes plugin") },
  }));
  await new Listr(tasks, { fallbackRenderer: "verbose", registerSignalListeners: false }).run();
}
