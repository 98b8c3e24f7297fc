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
  "attestation-failed": "the client did not attest",
  "kbs-not-asked": "not asked",
};

/** A line of a log, and when it was written. */
export interface LogLine {
  /** Milliseconds since 1970; NaN where that is not known. */
  readonly at: number;
  readonly text: string;
}

/** The log of one pod of the KBS, in order; a string: why it could not be read. */
export type PodLog = readonly LogLine[] | string;

/** A request for the secret, with what the same pod's log has before it. */
interface Asked {
  readonly at: number;
  readonly event: KbsRequest;
  /** Since the answer to the request for it before, up to this request, it included. */
  readonly before: readonly KbsEvent[];
}

/** How many events before a request may tell of it. */
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

/** The newest; of those that were written at the same time, or of which that is not known, the last. */
function newest(asked: readonly Asked[]): Asked | undefined {
  return asked.reduce<Asked | undefined>(
    (found, one) => (found !== undefined && one.at < found.at ? found : one),
    undefined,
  );
}

/**
 * What the KBS last answered to a request for a secret: to this pod where a log has its address, else to anybody (behind
 * a router every request has the router's).
 * @param logs of each of its pods, any of which may have answered
 * @returns `undefined`: no log shows such a request; a string: nor could all of them be read
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
  const told = toldOf(last, path, isOwn(last.event.client));
  const what = `${told.what} (of one of its pods the log was not read: ${unread})`;
  return unread === undefined ? told : { ...told, what };
}

function toldOf({ event, before }: Asked, path: string, own: boolean): LastRequest {
  const who = own ? "to this pod's address" : `to ${event.client}, which is not this pod's address`;
  if (event.status < 400) {
    return { outcome: "given", own, what: `last answer, ${who}: given out`, lines: [event.line] };
  }
  const { reason, evidence } = judgeDenial(before, path, { complete: false });
  const why = reason === undefined ? `status ${event.status}` : reasonWords[reason];
  return { outcome: "denied", own, what: `last answer, ${who}: ${why}`, lines: evidence };
}
