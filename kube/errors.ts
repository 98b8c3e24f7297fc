import type { IssueCode } from "../core/issue-codes.ts";
import { proxyProblem, type ProxyInUse } from "./proxy.ts";

/** A request to the API server, in the words of an RBAC rule. */
export interface Request {
  readonly verb: "get" | "list" | "patch" | "create" | "delete" | "watch";
  /** Plural, with its API group, for example `kbsconfigs.confidentialcontainers.org`. */
  readonly resource: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** Why a request failed, in the kinds that callers distinguish. */
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

/** Any other failure is TA801: no answer that can be used. */
const codes: Partial<Record<Failure, IssueCode>> = {
  unauthorized: "TA802",
  forbidden: "TA803",
  "not-found": "TA804",
};

/** A failed request: what was requested, why it failed and what to do. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly failure: Failure;
  readonly request: Request;
  /** The API server's message, without our additions. */
  readonly detail: string;
  /** What to do if not the API server failed but a sign-in plugin or a proxy. */
  readonly next: string | undefined;

  constructor(failure: Failure, request: Request, detail: string, cause?: unknown, next?: string) {
    super(`${describe(request)}: ${detail}${next === undefined ? advice(failure, request) : `. ${next}`}`, {
      cause,
    });
    this.failure = failure;
    this.request = request;
    this.detail = detail;
    this.next = next;
  }

  get code(): IssueCode {
    return codes[this.failure] ?? "TA801";
  }
}

/** A problem on the way to the API server. */
export interface Obstacle {
  /** A sentence's beginning, without an end. */
  readonly detail: string;
  /** What to do, as sentences. */
  readonly next: string;
}

function describe(request: Request): string {
  const name = request.name === undefined ? "" : ` "${request.name}"`;
  const place = request.namespace === undefined ? "" : ` in namespace "${request.namespace}"`;
  return `cannot ${request.verb} ${request.resource}${name}${place}`;
}

function advice(failure: Failure, { verb, resource }: Request): string {
  if (failure === "forbidden") return `. Grant the verb "${verb}" on ${resource} to this account.`;
  if (failure === "unauthorized") return ". Renew the credentials of this kubeconfig context.";
  return failure === "unreachable"
    ? ". Check the kubeconfig, the context and the network, then run again."
    : "";
}

const failures: ReadonlyMap<number, Failure> = new Map([
  [400, "invalid"],
  [401, "unauthorized"],
  [403, "forbidden"],
  [404, "not-found"],
  [409, "conflict"],
  [422, "invalid"],
  [429, "too-many-requests"],
]);

/** By HTTP status. */
export function failureOfStatus(code: number): Failure {
  return failures.get(code) ?? (code >= 500 ? "server-error" : "other");
}

/** The innermost message of a network error: Node wraps `connect ECONNREFUSED` in a bare `fetch failed`. */
function networkMessage(error: Error): string {
  return error.cause instanceof Error ? networkMessage(error.cause) : error.message;
}

/**
 * Converts an error of the client library.
 * @param proxy the proxy of the request
 */
export function toKubeError(
  error: unknown,
  request: Request,
  signal: AbortSignal,
  proxy?: ProxyInUse,
): KubeError {
  if (error instanceof KubeError) return error;
  if (signal.aborted) return new KubeError("aborted", request, "it was cancelled", error);
  if (error instanceof Error) {
    const timedOut = error.name === "TimeoutError" || error.name === "AbortError";
    const said = timedOut ? "no answer in time" : networkMessage(error);
    if (proxy !== undefined) {
      const { detail, next } = proxyProblem(proxy, error, said);
      return new KubeError("unreachable", request, detail, error, next);
    }
    return new KubeError(
      "unreachable",
      request,
      timedOut ? "the API server did not answer in time" : said,
      error,
    );
  }
  return new KubeError("other", request, String(error), error);
}
