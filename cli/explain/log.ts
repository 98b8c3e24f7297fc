import {
  judgeDenial,
  parseKbsLine,
  type DenialReason,
  type KbsEvent,
  type KbsRequest,
} from "../audit/kbs-log.ts";
import type { LastRequest } from "./explanation.ts";

const reasonWords: Readonly<Record<DenialReason, string>> = {
  "policy-denied": "denied by the policy",
  absent: "no such secret",
  "attestation-failed": "the client failed to attest",
  "kbs-not-asked": "not asked",
};

/** A log line and its time. */
export interface LogLine {
  /** Milliseconds since 1970; NaN: unknown. */
  readonly at: number;
  readonly text: string;
}

/** The log of one KBS pod, in order; a string: why it could not be read. */
export type PodLog = readonly LogLine[] | string;

/** A request for the secret, and the events before it in the same pod's log. */
interface Asked {
  readonly at: number;
  readonly event: KbsRequest;
  /** From the previous request for the secret (excluded) to this one (included). */
  readonly before: readonly KbsEvent[];
}

/** How many events before a request may belong to it. */
const BEFORE = 20;

function askedIn(log: PodLog, path: string): readonly Asked[] {
  if (typeof log === "string") return [];
  const events = log.flatMap(({ at, text }) => {
    const event = parseKbsLine(text);
    return event === undefined ? [] : [{ at, event }];
  });
  return events.flatMap(({ at, event }, index) => {
    if (event.kind !== "request" || event.path !== path) return [];
    const before = events.slice(Math.max(0, index - BEFORE), index).map((one) => one.event);
    const last = before.findLastIndex((one) => one.kind === "request" && one.path === path);
    return [{ at, event, before: [...before.slice(last + 1), event] }];
  });
}

/** The newest request. With equal or unknown times, the last. */
function newest(asked: readonly Asked[]): Asked | undefined {
  return asked.reduce<Asked | undefined>(
    (found, one) => (found !== undefined && one.at < found.at ? found : one),
    undefined,
  );
}

/**
 * The KBS's last answer to a request for a secret: to this pod's address, if a log has it, else to any
 * address. Behind a router, every request has the router's address.
 * @param logs of every KBS pod
 * @returns `undefined`: no log shows such a request; a string: none does, and one could not be read
 */
export function lastRequest(
  logs: readonly PodLog[],
  secret: string,
  key: string,
  address: string | undefined,
): LastRequest | string | undefined {
  const path = `resource/default/${secret}/${key}`;
  const unread = logs.find((log) => typeof log === "string");
  const isOwn = (client: string): boolean => client === address;
  const asked = logs.flatMap((log) => askedIn(log, path));
  const last = newest(asked.filter(({ event }) => isOwn(event.client))) ?? newest(asked);
  if (last === undefined) return unread;
  const request = lastOf(last, path, isOwn(last.event.client));
  const what = `${request.what} (the log of another KBS pod was not read: ${unread})`;
  return unread === undefined ? request : { ...request, what };
}

function lastOf({ event, before }: Asked, path: string, own: boolean): LastRequest {
  const who = own ? "to this pod's address" : `to ${event.client}, which is not this pod's address`;
  if (event.status < 400) {
    return { outcome: "given", own, what: `last answer, ${who}: given out`, lines: [event.line] };
  }
  const { reason, evidence } = judgeDenial(before, path, { complete: false });
  const why = reason === undefined ? `status ${event.status}` : reasonWords[reason];
  return { outcome: "denied", own, what: `last answer, ${who}: ${why}`, lines: evidence };
}
