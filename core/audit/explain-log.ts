import { judgeDenial, parseKbsLine, type DenialReason } from "../access/kbs-log.ts";
import type { LastRequest } from "./explanation.ts";

const reasonWords: Readonly<Record<DenialReason, string>> = {
  "policy-denied": "denied by the policy",
  absent: "no such secret",
  "attestation-failed": "the client did not attest",
  "kbs-not-asked": "not asked",
};

/**
 * What the KBS last answered to a request for a secret: to this pod where the log has its address, else to anybody (behind
 * a router every request has the router's).
 * @returns `undefined`: the log shows no such request
 */
export function lastRequest(
  lines: readonly string[],
  secret: string,
  key: string,
  address: string | undefined,
): LastRequest | undefined {
  const path = `resource/default/${secret}/${key}`;
  const events = lines.flatMap((line) => parseKbsLine(line) ?? []);
  const isOwn = (client: string): boolean => client === address;
  const asked = events.flatMap((event, at) =>
    event.kind === "request" && event.path === path ? [{ event, at }] : [],
  );
  const last = asked.findLast(({ event }) => isOwn(event.client)) ?? asked.at(-1);
  if (last === undefined) return undefined;
  const { event, at } = last;
  const own = isOwn(event.client);
  const who = own ? "to this pod's address" : `to ${event.client}, which is not this pod's address`;
  if (event.status < 400) {
    return { outcome: "given", own, what: `last answer, ${who}: given out`, lines: [event.line] };
  }
  const { reason, evidence } = judgeDenial(events.slice(Math.max(0, at - 20), at + 1), path, {
    complete: false,
  });
  const why = reason === undefined ? `status ${event.status}` : reasonWords[reason];
  return { outcome: "denied", own, what: `last answer, ${who}: ${why}`, lines: evidence };
}
