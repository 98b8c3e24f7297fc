/**
 * The KBS's log. Its access log has actix's default format in every version. Errors are in Rust's debug form:
 * - up to v0.17 by env_logger: `[<time> ERROR kbs::error] PolicyDeny`
 * - from v0.18 on by tracing: `<time> ERROR kbs::error: PolicyDeny`
 * @see https://github.com/confidential-containers/trustee/blob/v0.16.0/kbs/src/error.rs
 */

/** An answered request. */
export interface KbsRequest {
  readonly kind: "request";
  /** The client's address: the pod's, or that of a router or proxy. */
  readonly client: string;
  /**
   * `auth`, `attest` or `resource/default/p2-secret/secret`. With the method if pods make no such request: `POST
   * resource/...`.
   */
  readonly path: string;
  readonly status: number;
  readonly line: string;
}

/** An error. It comes before the line of its request. */
export interface KbsError {
  readonly kind: "error";
  /** For example `PolicyDeny`. */
  readonly name: string;
  readonly line: string;
}

export type KbsEvent = KbsRequest | KbsError;

/** Colours. tracing writes them even without a terminal. */
// eslint-disable-next-line no-control-regex -- it matches the escape character
const ANSI = /\u001b\[[0-9;]*m/g;

/** Linear in the line's length: clients choose the path, so the expression must not backtrack. */
const REQUEST = /(?<!\S)(\S+) "([A-Z]+) \/kbs\/v0\/([^\s?"]+)(?:[\s?][^"]*)?" (\d{3})\b/;
/** The requests that pods make. */
const PODS = /^(?:POST (?:auth|attest)$|GET resource\/)/;
const ERROR = /\bERROR kbs::error(?:\]|:) (\w+)/;

/** The event in a line of the KBS's log; `undefined`: neither a request nor an error. */
export function parseKbsLine(text: string): KbsEvent | undefined {
  const line = text.replaceAll(ANSI, "").trimEnd();
  const [, client, method, called, status] = REQUEST.exec(line) ?? [];
  if (client !== undefined && method !== undefined && called !== undefined) {
    const request = `${method} ${called}`;
    const path = PODS.test(request) ? called : request;
    return { kind: "request", client, path, status: Number(status), line };
  }
  const [, name] = ERROR.exec(line) ?? [];
  return name === undefined ? undefined : { kind: "error", name, line };
}

/** Why a pod did not get a secret. */
export type DenialReason = "policy-denied" | "absent" | "attestation-failed" | "kbs-not-asked";

export interface Denial {
  /** Absent: unknown. */
  readonly reason?: DenialReason;
  /** False if other requests of the same time may be mistaken for this one. */
  readonly sure: boolean;
  /** The lines that show it. */
  readonly evidence: readonly string[];
}

/** The reason behind an error. For every plugin error, even for a missing resource, the KBS answers 401. */
function reasonOfError(name: string): DenialReason | undefined {
  if (name.startsWith("Policy")) return "policy-denied";
  if (name.startsWith("Plugin")) return "absent";
  if (/^(Attestation|Token|Rcar)/.test(name)) return "attestation-failed";
  return undefined;
}

function isFailedHandshake(event: KbsEvent): event is KbsRequest {
  return event.kind === "request" && /^(auth|attest)$/.test(event.path) && event.status >= 400;
}

/** Context of the log lines. */
export interface LogContext {
  /** The pod's address, if known. Behind a router, the log has the router's. */
  readonly address?: string | undefined;
  /** Whether the log has all requests of this time. If so, a missing request was not made. */
  readonly complete: boolean;
}

/** A failed answer, its index among the events, and the last error before it. */
interface Failure {
  readonly at: number;
  readonly answer: KbsRequest;
  readonly error: KbsError | undefined;
}

function failuresOf(events: readonly KbsEvent[], path: string): readonly Failure[] {
  const failures: Failure[] = [];
  let error: KbsError | undefined;
  for (const [at, event] of events.entries()) {
    if (event.kind === "error") error = event;
    else if (event.path === path && event.status >= 400) failures.push({ at, answer: event, error });
  }
  return failures;
}

/**
 * Why the KBS denied a secret, by its log. A client asks up to three times, first without a token, so the
 * last answer to a request with a token counts, with the last error before it.
 * @param events of the time of the request, in order
 * @param path `resource/<repository>/<secret>/<key>`
 */
export function judgeDenial(events: readonly KbsEvent[], path: string, context: LogContext): Denial {
  const failures = failuresOf(events, path);
  const last =
    failures.findLast(({ error }) => error !== undefined && error.name !== "TokenNotFound") ??
    failures.at(-1);
  if (last === undefined) return judgeUnasked(events, context);
  const { at, answer, error } = last;
  if (answer.status === 404) return { reason: "absent", sure: true, evidence: [answer.line] };
  const reason = error === undefined ? undefined : reasonOfError(error.name);
  if (error === undefined || reason === undefined) return { sure: true, evidence: [answer.line] };
  // The error is right before its answer, unless the answers of two requests interleave.
  const adjacent = events[at - 1] === error && events[at - 2]?.kind !== "error";
  const errors = events.slice(0, at).filter((event) => event.kind === "error");
  const alike = errors.every(({ name }) => reasonOfError(name) === reason);
  // A later answer that was skipped may be the pod's own, if an attestation failed.
  const passedOver = last !== failures.at(-1) && events.slice(at).some(isFailedHandshake);
  return { reason, sure: (adjacent || alike) && !passedOver, evidence: [error.line, answer.line] };
}

function judgeUnasked(events: readonly KbsEvent[], { address, complete }: LogContext): Denial {
  const failed =
    events.find((event) => isFailedHandshake(event) && event.client === address) ??
    events.find(isFailedHandshake);
  if (failed?.kind === "request") {
    return { reason: "attestation-failed", sure: failed.client === address, evidence: [failed.line] };
  }
  return complete ? { reason: "kbs-not-asked", sure: true, evidence: [] } : { sure: true, evidence: [] };
}
