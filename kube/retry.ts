import { systemClock, type Clock } from "./clock.ts";
import { KubeError, type Failure } from "./errors.ts";

/** Failures that pass by themselves. A write can be repeated: it names the resourceVersion. */
export const transient: readonly Failure[] = ["too-many-requests", "server-error", "unreachable"];

/** Waits between the tries, in milliseconds: seven tries in about twelve seconds. */
const WAITS = [100, 300, 700, 1500, 3000, 6000] as const;

/**
 * Runs `attempt` until it succeeds, fails for good, or the tries run out.
 * @throws the last KubeError
 */
export async function withRetries<T>(
  signal: AbortSignal,
  attempt: () => Promise<T>,
  { sleep }: Pick<Clock, "sleep"> = systemClock,
): Promise<T> {
  for (const wait of WAITS) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof KubeError) || !transient.includes(error.failure)) throw error;
      await sleep(wait, signal).catch(() => undefined);
      if (signal.aborted) throw error;
    }
  }
  return attempt();
}
