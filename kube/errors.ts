import type { IssueCode } from "../core/issue-codes.ts";
import { UserError } from "../core/issues.ts";
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
  | "refused"
  | "too-many-requests"
  | "server-error"
  | "unreachable"
  | "aborted"
  | "other";

const REFUSED = ["TA813", "Correct what the API server names, then run again."] as const;
const FAILING = ["TA814", "Run again when the API server works: kubectl get --raw /readyz"] as const;

/** The code of each failure, and what to do. Without an answer that can be used, it is TA801. */
const kindOf: Readonly<Record<Failure, (request: Request) => readonly [IssueCode, string?]>> = {
  "not-found": () => ["TA804", "Create it, or install what it belongs to."],
  conflict: () => REFUSED,
  forbidden: ({ verb, resource }) => ["TA803", `Grant the verb "${verb}" on ${resource} to this account.`],
  unauthorized: () => ["TA802", "Renew the credentials of this kubeconfig context."],
  refused: () => REFUSED,
  "too-many-requests": () => FAILING,
  "server-error": () => FAILING,
  unreachable: () => ["TA801", "Check the kubeconfig, the context and the network, then run again."],
  aborted: () => ["TA801"],
  other: () => ["TA801"],
};

/** A failed request: what was requested, why it failed and what to do. */
export class KubeError extends UserError {
  readonly failure: Failure;
  readonly request: Request;
  /** The API server's message, without our additions. */
  readonly detail: string;
  /** What to do if not the API server failed but a sign-in plugin or a proxy. */
  readonly next: string | undefined;

  constructor(failure: Failure, request: Request, detail: string, cause?: unknown, next?: string) {
    const [code, usual] = kindOf[failure](request);
    const advice = next ?? usual;
    const end = advice === undefined ? detail : `${detail.replace(/\.$/, "")}. ${advice}`;
    super(code, `${describe(request)}: ${end}`, { cause });
    this.failure = failure;
    this.request = request;
    this.detail = detail;
    this.next = next;
  }
}

function describe(request: Request): string {
  const name = request.name === undefined ? "" : ` "${request.name}"`;
  const place = (request.namespace ?? "") === "" ? "" : ` in namespace "${request.namespace}"`;
  return `cannot ${request.verb} ${request.resource}${name}${place}`;
}

const failures: ReadonlyMap<number, Failure> = new Map([
  [401, "unauthorized"],
  [403, "forbidden"],
  [404, "not-found"],
  [409, "conflict"],
  [429, "too-many-requests"],
]);

/** By HTTP status. */
export function failureOfStatus(code: number): Failure {
  return failures.get(code) ?? (code >= 500 ? "server-error" : "refused");
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
