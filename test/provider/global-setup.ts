import { startSandbox, stopSandbox } from "../../sandbox/api.ts";
import { generations } from "../../core/trustee/generation.ts";
import { sandboxName } from "./sandboxes.ts";

/** One sandbox a generation for all files of these tests; `KEEP_SANDBOX=1` leaves them running for the next run. */
export default async function setup(): Promise<() => Promise<void>> {
  const stop = async (): Promise<void> => {
    if (process.env["KEEP_SANDBOX"] === "1") return;
    await Promise.all(generations.map((generation) => stopSandbox(sandboxName(generation))));
  };
  try {
    for (const trustee of generations) await startSandbox({ name: sandboxName(trustee), trustee });
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}
