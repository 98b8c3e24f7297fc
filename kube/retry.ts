import { setTimeout as sleep } from "node:timers/promises";
import { KubeError, type Failure } from "./errors.ts";

/** Time and waiting. Tests replace this machine's clock so that they need not wait for minutes. */
export interface Clock {
  readonly now: () => Date;
  /** Milliseconds since some moment; monotonic. */
  readonly elapsed: () => number;
  /** @throws AbortError as soon as the signal fires */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  elapsed: () => performance.now(),
  sleep: async (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
};

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
  clock: Pick<Clock, "sleep"> = systemClock,
): Promise<T> {
  for (const wait of WAITS) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof KubeError) || !transient.includes(error.failure)) throw error;
      await clock.sleep(wait, signal).catch(() => undefined);
      if (signal.aborted) throw error;
    }
  }
  return attempt();
}
