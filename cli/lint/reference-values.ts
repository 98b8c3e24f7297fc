import { counted, shownName } from "../../core/shown.ts";
import { expirySeconds, isExpiration, type Entry } from "../../core/reference-values/document.ts";
import { DAY, NOTICE_DAYS } from "../../core/reference-values/validity.ts";
import type { LiveFacts } from "../audit/facts.ts";
import { mapPlace, type Finding, type Place } from "./finding.ts";
import { isInitdataEntry, liveReferenceValues, type LiveEntry } from "../audit/trustee-view.ts";

/** TA203 of one entry. */
function unread({ name, expiration }: Entry, flaw: string, where: Place, why: string): Finding {
  const isTime = expiration === "" || isExpiration(expiration);
  const what = isTime
    ? `Trustee cannot read ${shownName(name)}: it ${flaw}.`
    : `The expiration of ${shownName(name)} is "${shownName(expiration)}", which the RVPS cannot read as a time.`;
  const fix = isTime
    ? "Rewrite it as padded base64url of JSON with version, name, expiration and value."
    : "Write it as YYYY-MM-DDThh:mm:ssZ.";
  return { id: "TA203", severity: "error", where, about: [name], what, why, fix };
}

/** TA201 and TA202: an expiration, which revokes nothing. */
function expiry({ name, expiration }: Entry, where: Place, now: number): readonly Finding[] {
  const left = ((expirySeconds(expiration) ?? Infinity) - now) * 1000;
  const days = Math.floor(left / DAY);
  const common = {
    where,
    about: [name],
    why: "KBS v0.16 and later ignore the expiration: the values still match, and nothing is revoked.",
    fix: "Remove the values that should no longer be trusted. Set a later expiration for the others.",
  };
  if (left <= 0) {
    const what = `${shownName(name)} expired on ${expiration}.`;
    return [{ id: "TA201", severity: "warning", what, ...common }];
  }
  if (left > NOTICE_DAYS * DAY) return [];
  const what = `${shownName(name)} expires in ${counted(days, "day")}, on ${expiration}.`;
  return [{ id: "TA202", severity: "note", what, ...common }];
}

/** TA204: an entry that Trustee ignores. Only entries for digests need a list as their value. */
function dead({ name, dead }: LiveEntry, isForDigests: boolean, where: Place): readonly Finding[] {
  if (dead === undefined || dead.kind === "unread" || (dead.kind === "no list" && !isForDigests)) return [];
  const what = `${shownName(name)} ${dead.words}.`;
  const why = "Trustee ignores its content, so a pod whose digest is only there does not attest well.";
  const fix = "Write its digests as one list in one entry.";
  return [{ id: "TA204", severity: "warning", where, about: [name], what, why, fix }];
}

/** TA201 to TA204. */
export function lintReferenceValues({ trustee, stack }: LiveFacts): readonly Finding[] {
  const { map, key, entries = [], problem, written } = liveReferenceValues(trustee);
  const where = mapPlace(trustee, map, key);
  const all = "Trustee can then read no reference value, so no pod attests or gets a secret.";
  const one = "If the attestation policy asks for it, the pod does not attest and gets no secret.";
  if (written === undefined) {
    const what = problem?.replace(/ Nothing was written;.*$/, "");
    const fix = "Correct the ConfigMap by hand.";
    return what === undefined ? [] : [{ id: "TA203", severity: "error", where, what, why: all, fix }];
  }
  const isForDigests = (name: string): boolean =>
    isInitdataEntry(name, stack) || /(^|[._-])pcr_?\d+$/i.test(name);
  return [
    ...written.flatMap((entry) => [
      ...(entry.flaw === undefined
        ? []
        : [unread(entry, entry.flaw, where, problem === undefined ? one : all)]),
      ...expiry(entry, where, trustee.now),
    ]),
    ...entries.flatMap((entry) => dead(entry, isForDigests(entry.name), where)),
  ];
}
