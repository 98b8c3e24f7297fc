import { setTimeout as sleep } from "node:timers/promises";

/** The time, and waiting for it to pass: this machine's, but for tests that would wait for minutes. */
export interface Clock {
  readonly now: () => Date;
  /** Milliseconds since some moment; never goes back. */
  readonly elapsed: () => number;
  /** @throws AbortError as soon as the signal fires */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  elapsed: () => performance.now(),
  sleep: async (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
};
