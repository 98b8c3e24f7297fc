import { setTimeout as sleep } from "node:timers/promises";

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
