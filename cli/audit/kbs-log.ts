/**
 * What the KBS writes of a request. Its access log is actix's default format, of every version; errors are written in
 * Rust's debug form, by env_logger up to v0.17 (`[<time> ERROR kbs::error] PolicyDeny`), by tracing from v0.18 on
 * (`<time> ERROR kbs::error: PolicyDeny`).
 * @see https://github.com/confidential-containers/trustee/blob/v0.16.0/kbs/src/error.rs
 */

/** A request that was answered. */
export interface KbsRequest {
  readonly kind: "request";
  /** Whose connection it was: the pod, or a router or proxy between. */
  readonly client: string;
  /**
   * `auth`, `attest` or `resource/default/p2-secret/secret`; of a request that no pod makes, as an administrator's, with its
   * method: `POST resource/default/p2-secret/secret`.
   */
  readonly path: string;
  readonly status: number;
  readonly line: string;
}

/** An error, which stands before the line of the request that it belongs to. */
export interface KbsError {
  readonly kind: "error";
  /** e.g. `PolicyDeny`. */
  readonly name: string;
  readonly line: string;
}

export type KbsEvent = KbsRequest | KbsError;

/** Colours, as tracing writes them even where nobody sees them. */
// eslint-disable-next-line no-control-regex -- the escape character is what is looked for
const ANSI = /\u001b\[[0-9;]*m/g;

/** Each part begins where the one before has to end: whoever asks the KBS chooses the path, and so how long this takes. */
const REQUEST = /(?<!\S)(\S+) "([A-Z]+) \/kbs\/v0\/([^\s?"]+)(?:[\s?][^"]*)?" (\d{3})\b/;
/** What a pod asks for. */
const PODS = /^(?:POST (?:auth|attest)$|GET resource\/)/;
const ERROR = /\bERROR kbs::error(?:\]|:) (\w+)/;

/** The event in a line of the KBS's log; `undefined`: the line tells of something else. */
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

/** Why the KBS gave a secret to nobody. */
export type DenialReason = "policy-denied" | "absent" | "attestation-failed" | "kbs-not-asked";

export interface Denial {
  /** Absent: the log does not tell. */
  readonly reason?: DenialReason;
  /** False where other requests of the same time may be mistaken for this one. */
  readonly sure: boolean;
  /** The lines that say so. */
  readonly evidence: readonly string[];
}

/** What an error means. Whatever a plugin fails with, the KBS answers 401, also where there is no such resource. */
function reasonOfError(name: string): DenialReason | undefined {
  if (name.startsWith("Policy")) return "policy-denied";
  if (name.startsWith("Plugin")) return "absent";
  if (/^(Attestation|Token|Rcar)/.test(name)) return "attestation-failed";
  return undefined;
}

function isFailedHandshake(event: KbsEvent): event is KbsRequest {
  return event.kind === "request" && /^(auth|attest)$/.test(event.path) && event.status >= 400;
}

/** What is known beside the log's lines. */
export interface LogContext {
  /** The pod's address, where it is known. Behind a router, the log has the router's. */
  readonly address?: string | undefined;
  /** Whether the log shows requests at all, and all of this time: then one that is not in it was not made. */
  readonly complete: boolean;
}

/** A failed answer, by its place among the events, with the error that was written last before it. */
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
 * Why a secret was not given out, by what the log shows of the time of the request. A client asks up to three times, the
 * first time without a token, which tells nothing; so the last answer to one with a token counts, with the error next
 * before it.
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
  // Error and answer stand next to each other, unless the answers of two requests fall together.
  const adjacent = events[at - 1] === error && events[at - 2]?.kind !== "error";
  const errors = events.slice(0, at).filter((event) => event.kind === "error");
  const alike = errors.every(({ name }) => reasonOfError(name) === reason);
  // Where a later answer was passed over, it may have been the pod's own: if somebody's attestation failed.
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
