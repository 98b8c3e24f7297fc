import { shownName } from "../../core/shown.ts";
import { liveAppraisal, otherEntries } from "../audit/attestation-policy.ts";
import { ifSure, onAny, teesOfPod } from "./reference-values.ts";
import type { Condition } from "./explanation.ts";
import type { TrusteeFacts } from "../audit/facts.ts";
import { holdsClaim, isForTee } from "../audit/registration.ts";
import type { TeePod, LikelyClaim } from "../audit/likely-claim.ts";
import type { PodTee } from "../questions/tokens.ts";
import { liveReferenceValues, type LiveEntry } from "../audit/trustee-view.ts";

const listed = (names: readonly string[]): string => names.map((name) => shownName(name)).join(", ");

/** Whether the entries that the attestation policy asks for exist. Their values cannot be checked here. */
function askedCondition(
  tee: PodTee,
  claims: ReturnType<typeof otherEntries>,
  entries: readonly LiveEntry[],
  isGiven: boolean,
): Condition {
  const found = new Set(entries.filter(({ dead }) => dead?.kind !== "unread").map(({ name }) => name));
  const missingOf = (names: readonly string[]): readonly string[] => names.filter((name) => !found.has(name));
  // For each trust claim, the alternative with the fewest missing entries.
  const chosen = claims.flatMap((alternatives) =>
    alternatives.toSorted((a, b) => missingOf(a).length - missingOf(b).length).slice(0, 1),
  );
  const asked = [...new Set(chosen.flat())];
  const missing = missingOf(asked);
  const id = "measurements";
  if (asked.length === 0) {
    const detail = `the attestation policy asks for no other reference value on ${tee}`;
    return { id, status: "holds", detail };
  }
  if (missing.length > 0) {
    return {
      id,
      status: "fails",
      detail: `the attestation policy asks for ${listed(missing)} too, which the reference values do not have, so no pod on ${tee} attests well`,
      expected: asked.map((name) => shownName(name)),
      seen: listed([...found]) || "none",
      next: `Register the measurements of such a pod under ${listed(missing)}.`,
    };
  }
  if (isGiven) {
    return {
      id,
      status: "holds",
      detail: `the KBS has given this pod the secret, so ${listed(asked)} match`,
    };
  }
  const detail = `the attestation policy asks for ${listed(asked)} too; whether they match this pod's measurements is unknown`;
  const next = "Try from the pod, which only attests well if all of them match: npx trustee-access verify.";
  return { id, status: "unknown", detail, next };
}

/** Attestation policy unknown: Trustee can at least read the other reference values of the pod's TEE. */
function readableCondition(entries: readonly LiveEntry[], pod: TeePod, claim: LikelyClaim): Condition {
  const own = entries.filter(({ name }) => isForTee(name, pod, claim));
  const isRegistered = own.some((entry) => holdsClaim(entry, claim));
  // The condition before this one covers a digest whose only entry is unreadable.
  const unread = own.filter(
    ({ dead, held }) => dead?.kind === "unread" && (isRegistered || !holdsClaim({ values: held }, claim)),
  );
  const id = "measurements";
  if (unread.length === 0) {
    return { id, status: "holds", detail: "Trustee can read the other reference values of the pod's TEE" };
  }
  const flaws = unread.map(({ name, dead }) => `${shownName(name)} ${dead?.words ?? ""}`).join(", and ");
  const it = unread.length === 1 ? "it" : "them";
  const detail = `${flaws}, so Trustee cannot read ${it}: a pod that needs ${it} does not attest`;
  const next = `Correct ${unread.map(({ name }) => shownName(name)).join(" and ")}.`;
  return { id, status: "unknown", detail, next };
}

/**
 * The other reference values of the pod's TEE, mostly for its boot, exist and can be read.
 * @param isGiven whether the KBS's log says that this pod got the secret
 */
export function measurementsCondition(
  trustee: TrusteeFacts,
  pod: TeePod,
  claim: LikelyClaim,
  isGiven: boolean,
): readonly Condition[] {
  const { entries } = liveReferenceValues(trustee);
  if (entries === undefined) return [];
  const asking = teesOfPod(pod, claim).filter((tee) => liveAppraisal(trustee, tee)?.kind !== "never");
  if (asking.length === 0) return [];
  return [
    onAny(asking, (tee) => {
      const appraisal = liveAppraisal(trustee, tee);
      return appraisal?.kind === "asks"
        ? ifSure(claim, askedCondition(tee, otherEntries(appraisal), entries, isGiven))
        : readableCondition(entries, pod, claim);
    }),
  ];
}
