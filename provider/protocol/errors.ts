import { Metadata, status, type ServiceError } from "@grpc/grpc-js";
import errorspb from "@pulumi/pulumi/proto/errors_pb.js";
import statuspb from "@pulumi/pulumi/proto/status_pb.js";
import anypb from "google-protobuf/google/protobuf/any_pb.js";
import { messageOf } from "../../core/records.ts";

/** A problem with one property. */
export interface PropertyError {
  /** The property, as `formatPath` writes it. */
  readonly propertyPath: string;
  readonly reason: string;
}

/** Invalid inputs, with a reason per property. */
export class InputPropertiesError extends Error {
  readonly errors: readonly PropertyError[];

  constructor(message: string, errors: readonly PropertyError[]) {
    super(message);
    this.name = "InputPropertiesError";
    this.errors = errors;
  }
}

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

/**
 * The message of a thrown value, with the messages of nested errors. It includes property errors because the
 * engine shows their details only for components.
 */
export function fullMessage(thrown: unknown): string {
  if (thrown instanceof InputPropertiesError) {
    return [thrown.message, ...thrown.errors.map((each) => `  ${each.propertyPath}: ${each.reason}`)].join(
      "\n",
    );
  }
  if (thrown instanceof AggregateError) {
    const errors: readonly unknown[] = thrown.errors;
    return [thrown.message, ...errors.map((each) => fullMessage(each))]
      .filter((line) => line !== "")
      .join("\n");
  }
  return messageOf(thrown);
}

function codeOf(thrown: unknown): status {
  if (thrown instanceof InputPropertiesError) return status.INVALID_ARGUMENT;
  if (thrown instanceof CancelledError) return status.CANCELLED;
  if (thrown instanceof TimeoutError) return status.DEADLINE_EXCEEDED;
  if (thrown instanceof UnimplementedError) return status.UNIMPLEMENTED;
  return status.UNKNOWN;
}

function detailOf(thrown: unknown): anypb.Any | undefined {
  if (!(thrown instanceof InputPropertiesError)) return undefined;
  const message = new errorspb.InputPropertiesError();
  for (const { propertyPath, reason } of thrown.errors) {
    const error = new errorspb.InputPropertiesError.PropertyError();
    error.setPropertyPath(propertyPath);
    error.setReason(reason);
    message.addErrors(error);
  }
  const detail = new anypb.Any();
  detail.pack(message.serializeBinary(), "pulumirpc.InputPropertiesError");
  return detail;
}

/** A thrown value as a gRPC error: code, message, and details in the trailer. */
export function toServiceError(thrown: unknown): Partial<ServiceError> {
  const code = codeOf(thrown);
  const details = fullMessage(thrown);
  const metadata = new Metadata();
  const detail = detailOf(thrown);
  if (detail !== undefined) {
    const rpcStatus = new statuspb.Status();
    rpcStatus.setCode(code);
    rpcStatus.setMessage(details);
    rpcStatus.addDetails(detail);
    metadata.set("grpc-status-details-bin", Buffer.from(rpcStatus.serializeBinary()));
  }
  return { code, details, metadata };
}
