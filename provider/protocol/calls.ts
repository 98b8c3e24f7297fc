import type { handleUnaryCall } from "@grpc/grpc-js";
import type { EngineLog } from "./engine-log.ts";
import { CancelledError, TimeoutError, toServiceError } from "./errors.ts";
import type { CallContext } from "./provider.ts";

/** A call that has not been answered yet. */
interface OpenCall {
  readonly abort: AbortController;
  /** Answers the call with an error at once, even if its implementation is still running. */
  readonly fail: (error: Error) => void;
}

/** What a call is about, taken from its request. */
export interface CallSubject {
  readonly urn?: string;
  /** Seconds; 0 is none. */
  readonly timeoutSeconds?: number;
}

/** The longest possible timer, in milliseconds (about 24 days). Longer timeouts are ignored. */
const longestTimer = 2 ** 31 - 1;

/** Node's own functions reject with an AbortError without a cause. The signal has it. */
function reasonOf(error: unknown, signal: AbortSignal): unknown {
  return signal.aborted && error instanceof Error && error.name === "AbortError" ? signal.reason : error;
}

/** The calls in flight. All of them can be cancelled or failed at once. */
export class Calls {
  readonly #open = new Set<OpenCall>();
  readonly #log: EngineLog;
  #cancelled: CancelledError | undefined;

  constructor(log: EngineLog) {
    this.#log = log;
  }

  /** A unary handler that runs an async function and always answers, with its result or its error. */
  unary<Request, Response>(
    run: (request: Request, context: CallContext) => Promise<Response>,
    subjectOf: (request: NoInfer<Request>) => CallSubject = () => ({}),
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      const { urn = "", timeoutSeconds = 0 } = subjectOf(call.request);
      const abort = new AbortController();
      if (this.#cancelled !== undefined) abort.abort(this.#cancelled);
      call.on("cancelled", () => {
        abort.abort(new CancelledError("the engine went away"));
      });
      const milliseconds = timeoutSeconds * 1000;
      const timer =
        milliseconds > 0 && milliseconds <= longestTimer
          ? setTimeout(() => {
              abort.abort(new TimeoutError(timeoutSeconds));
            }, milliseconds)
          : undefined;
      const failed = Promise.withResolvers<never>();
      const open: OpenCall = { abort, fail: failed.reject };
      this.#open.add(open);
      const context = { signal: abort.signal, log: this.#log.of(urn) };
      const done = Promise.resolve().then(() => run(call.request, context));
      Promise.race([done, failed.promise])
        .finally(() => {
          clearTimeout(timer);
          this.#open.delete(open);
          return this.#log.flush();
        })
        .then(
          (response) => {
            callback(null, response);
          },
          (error: unknown) => {
            callback(toServiceError(reasonOf(error, abort.signal)), null);
          },
        );
    };
  }

  /** Aborts all calls, and later ones until {@link renew}. Their results are still awaited. */
  cancel(error = new CancelledError()): void {
    this.#cancelled = error;
    for (const { abort } of this.#open) abort.abort(error);
  }

  /** Ends the cancellation, for another update by an attached engine. */
  renew(): void {
    this.#cancelled = undefined;
  }

  /** Fails all calls with an uncaught error: it is unknown which one threw it, and none may hang. */
  fail(error: Error): void {
    for (const { abort, fail } of this.#open) {
      fail(error);
      abort.abort(error);
    }
  }

  get count(): number {
    return this.#open.size;
  }
}
