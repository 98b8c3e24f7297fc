/** What was asked of the API server, in the words of an RBAC rule. */
export interface Request {
  readonly verb: "get" | "list" | "patch" | "create" | "delete" | "watch";
  /** Plural, with a group where there is one, e.g. `kbsconfigs.confidentialcontainers.org`. */
  readonly resource: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** Why a request failed, as far as a caller has to tell apart. */
export type Failure =
  | "not-found"
  | "conflict"
  | "forbidden"
  | "unauthorized"
  | "invalid"
  | "too-many-requests"
  | "server-error"
  | "unreachable"
  | "aborted"
  | "other";

/** A failed request with what was asked, why it failed and what to do about it. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly failure: Failure;
  readonly request: Request;
  /** What the API server said, without what we add for the user. */
  readonly detail: string;

  constructor(failure: Failure, request: Request, detail: string, cause?: unknown) {
    super(`${describe(request)}: ${detail}${advice(failure, request)}`, { cause });
    this.failure = failure;
    this.request = request;
    this.detail = detail;
  }
}

/** The kubeconfig cannot be used; the message says what was looked for and what there is. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

function describe(request: Request): string {
  const name = request.name === undefined ? "" : ` "${request.name}"`;
  const place = request.namespace === undefined ? "" : ` in namespace "${request.namespace}"`;
  return `cannot ${request.verb} ${request.resource}${name}${place}`;
}

function advice(failure: Failure, request: Request): string {
  switch (failure) {
    case "forbidden":
      return `. Grant the verb "${request.verb}" on ${request.resource} to this account.`;
    case "unauthorized":
      return ". Renew the credentials of this kubeconfig context.";
    case "unreachable":
      return ". Check the kubeconfig, the context and the network, then run again.";
    case "not-found":
    case "conflict":
    case "invalid":
    case "too-many-requests":
    case "server-error":
    case "aborted":
    case "other":
      return "";
  }
}

/** By HTTP status. */
export function failureOfStatus(code: number): Failure {
  switch (code) {
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "not-found";
    case 409:
      return "conflict";
    case 422:
    case 400:
      return "invalid";
    case 429:
      return "too-many-requests";
    default:
      return code >= 500 ? "server-error" : "other";
  }
}

/** The innermost message of a network error: node wraps `connect ECONNREFUSED` in a bare `fetch failed`. */
function networkMessage(error: Error): string {
  return error.cause instanceof Error ? networkMessage(error.cause) : error.message;
}

/** Translates whatever the client library threw. */
export function toKubeError(error: unknown, request: Request, signal: AbortSignal): KubeError {
  if (error instanceof KubeError) return error;
  if (signal.aborted) return new KubeError("aborted", request, "it was cancelled", error);
  if (error instanceof Error) {
    const timedOut = error.name === "TimeoutError" || error.name === "AbortError";
    return new KubeError(
      "unreachable",
      request,
      timedOut ? "the API server did not answer in time" : networkMessage(error),
      error,
    );
  }
  return new KubeError("other", request, String(error), error);
}
