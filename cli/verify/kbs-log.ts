import { setTimeout as sleep } from "node:timers/promises";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { parseKbsLine, type KbsEvent } from "../audit/kbs-log.ts";
import { kubectlCluster } from "./kubectl.ts";
import type { NamedCluster } from "../../core/settings/cluster.ts";

/** Time for the log's first line. Milliseconds. */
const BEGIN = 10_000;

/** Time for an answer's line to arrive, and the silence after it that ends a read. Milliseconds. */
const ARRIVE = 3000;
const QUIET = 250;

/** Where the KBS is. */
export interface KbsPlace {
  readonly cluster: NamedCluster;
  readonly namespace: string;
}

/** Starts `kubectl logs --follow`. */
function follow({ cluster, namespace }: KbsPlace) {
  return execa(
    "kubectl",
    [
      ...kubectlCluster(cluster),
      ...["logs", "--namespace", namespace, "--selector", "app=kbs", "--container", "kbs"],
      // The last line of each pod arrives at once, which shows that following has begun.
      ...["--follow", "--tail", "1", "--max-log-requests", "50"],
    ],
    { reject: false, buffer: false, stdin: "ignore" },
  );
}

/**
 * The log of all KBS pods, followed during a verification. Lines are matched to requests by their arrival, so
 * no clocks have to agree.
 */
export class KbsLog {
  readonly #process: ReturnType<typeof follow>;
  readonly #events: KbsEvent[] = [];
  #lines = 0;
  #requests = 0;
  #lastAt = 0;
  #ended: string | undefined;

  private constructor(place: KbsPlace) {
    this.#process = follow(place);
    this.#read();
  }

  #read(): void {
    const stderr: string[] = [];
    createInterface({ input: this.#process.stderr }).on("line", (line) => stderr.push(line));
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      this.#lines += 1;
      const event = parseKbsLine(line);
      if (event === undefined) return;
      this.#events.push(event);
      if (event.kind === "request") this.#requests += 1;
      this.#lastAt = performance.now();
    });
    void this.#process.then(() => {
      this.#ended = stderr.join(" ").trim() || "the KBS's pods have stopped";
    });
  }

  /** Starts following. @returns why it cannot */
  static async open(place: KbsPlace): Promise<KbsLog | { readonly problem: string }> {
    const log = new KbsLog(place);
    for (const end = performance.now() + BEGIN; performance.now() < end;) {
      await sleep(25);
      if (log.#ended !== undefined) return { problem: log.#ended };
      if (log.#lines > 0) return log;
    }
    log.close();
    return { problem: "the KBS's log is empty" };
  }

  /** Why the log ended, for example because the KBS restarted. */
  get problem(): string | undefined {
    return this.#ended;
  }

  /** Whether the log shows requests. At a higher log level it does not. */
  get showsRequests(): boolean {
    return this.#requests > 0;
  }

  /** The current position in the log. */
  mark(): number {
    return this.#events.length;
  }

  /**
   * The events since a mark. Waits for a failed request for the path or a failed attestation, up to a
   * timeout.
   */
  async since(mark: number, path: string): Promise<readonly KbsEvent[]> {
    const isAnswer = (event: KbsEvent): boolean =>
      event.kind === "request" && [path, "auth", "attest"].includes(event.path) && event.status >= 400;
    for (const end = performance.now() + ARRIVE; performance.now() < end;) {
      await sleep(25);
      const events = this.#events.slice(mark);
      if (this.#ended !== undefined) return events;
      if (events.some(isAnswer) && performance.now() - this.#lastAt > QUIET) return events;
    }
    return this.#events.slice(mark);
  }

  close(): void {
    this.#process.kill();
  }
}
