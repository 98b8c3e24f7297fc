import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../../kube/retry.ts";

const DAY = 86_400_000;

/** A clock that advances only during a sleep. It then runs everything that is due. */
export class TestClock implements Clock {
  #now = Date.parse("2026-11-23T12:00:00.123Z");
  #due: { readonly at: number; readonly run: () => void }[] = [];

  readonly now = (): Date => new Date(this.#now);

  readonly elapsed = (): number => this.#now;

  readonly sleep = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
    // Lets other tasks run, as a real sleep would.
    await sleep(1, undefined, { signal });
    this.advance(milliseconds);
  };

  after(milliseconds: number, run: () => void): void {
    this.#due.push({ at: this.#now + milliseconds, run });
    this.#due.sort((a, b) => a.at - b.at);
  }

  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (let [next] = this.#due; next !== undefined && next.at <= end; [next] = this.#due) {
      this.#due.shift();
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }

  /** Advances until the condition holds. @throws Error if it does not within a minute */
  until(what: string, isSo: () => boolean): void {
    for (let left = 600; !isSo(); left -= 1) {
      if (left === 0) throw new Error(`not within a minute: ${what}`);
      this.advance(100);
    }
  }

  /** The time after that number of days, in the format of reference values. */
  in(days: number): string {
    return `${new Date(this.#now + days * DAY).toISOString().slice(0, 19)}Z`;
  }

  laterBy(days: number): void {
    this.advance(days * DAY);
  }
}
