import { status, type ServiceError } from "@grpc/grpc-js";
import { messageOf } from "../../core/records.ts";

/** The reason of a signal's abort: the operation was cancelled. */
export class CancelledError extends Error {
  constructor(message = "cancelled before it was done") {
    super(message);
    this.name = "CancelledError";
  }
}

/** The reason of a signal's abort: the operation's own timeout (customTimeouts) has passed. */
export class TimeoutError extends Error {
  constructor(seconds: number) {
    super(`not done within its timeout of ${seconds} s; raise it with the resource option customTimeouts`);
    this.name = "TimeoutError";
  }
}

/** The provider does not offer the operation. */
export class UnimplementedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UnimplementedError";
  }
}

/** The message of a thrown value, with the messages of nested errors. */
export function fullMessage(thrown: unknown): string {
  if (thrown instanceof AggregateError) {
    const errors: readonly unknown[] = thrown.errors;
    return [thrown.message, ...errors.map((each) => fullMessage(each))]
      .filter((line) => line !== "")
      .join("\n");
  }
  return messageOf(thrown);
}

function codeOf(thrown: unknown): status {
  if (thrown instanceof CancelledError) return status.CANCELLED;
  if (thrown instanceof TimeoutError) return status.DEADLINE_EXCEEDED;
  if (thrown instanceof UnimplementedError) return status.UNIMPLEMENTED;
  return status.UNKNOWN;
}

/** A thrown value as a gRPC error: code and message. */
export function toServiceError(thrown: unknown): Partial<ServiceError> {
  return { code: codeOf(thrown), details: fullMessage(thrown) };
}
