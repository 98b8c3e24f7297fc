import { NO_HARDWARE } from "../initdata/binding.ts";
import { shownName } from "../policy/shown-name.ts";
import { expirySeconds } from "./expiry.ts";
import { timeText } from "./explain-pod.ts";
import type { Condition } from "./explanation.ts";
import type { StackFacts, TrusteeFacts } from "./facts.ts";
import { holdsClaim, isForTee, registrationOf, type Registration } from "./registration.ts";
import type { TeePod, ToldClaim } from "./told-claim.ts";
import { liveReferenceValues } from "./trustee-view.ts";

/** No entry holds the pod's claim. */
function unregistered(claim: ToldClaim, { entries, elsewhere, twin }: Registration): Condition {
  const id = "reference";
  const names = entries.map(({ name }) => shownName(name)).join(" or ") || "an entry for initdata";
  const found = {
    expected: [`${claim.value} in ${names}`],
    seen: twin?.value ?? `${entries.flatMap(({ values }) => values).length} other digests`,
  };
  if (twin !== undefined) {
    return {
      id,
      status: "fails",
      detail: `${shownName(twin.name)} holds this digest, but it differs in case only: Trustee compares exactly, so the pod does not attest well`,
      ...found,
      next: `Write the digest in lower case in ${shownName(twin.name)}.`,
    };
  }
  const [other] = elsewhere;
  if (other !== undefined) {
    return {
      id,
      status: "unknown",
      detail: `${shownName(other.name)} holds this digest, but nothing says that this entry is for digests of initdata`,
      next: "Name the pod's stack, which knows its entries: --stack.",
    };
  }
  if (!claim.sure) {
    return {
      id,
      status: "unknown",
      detail:
        "no reference value holds this digest: if the pod has a vTPM, it does not attest well; bare metal asks for none",
      next: "Name the pod's stack, which knows how its TEE binds the initdata: --stack. If it is in none, and has a vTPM, declare it in one, then run pulumi up.",
    };
  }
  if (claim.binding !== "azure-vtpm" && entries.length === 0) {
    return {
      id,
      status: "holds",
      detail:
        claim.binding === "sample"
          ? `${NO_HARDWARE}: no reference value is for its digest`
          : `bare metal asks for none: no entry is for ${claim.name}`,
    };
  }
  return {
    id,
    status: "fails",
    detail: "no reference value holds this digest, so the pod does not attest well",
    ...found,
    next: "Register the pod's digest: declare the pod in a stack, then run pulumi up.",
  };
}

/**
 * A reference value that has not expired holds the pod's digest, so that it attests well. On bare metal that is asked only
 * where there are entries for it: Trustee's own attestation policy compares PCR8 alone.
 */
export function referenceCondition(
  trustee: TrusteeFacts,
  pod: TeePod,
  claim: ToldClaim,
  stack: StackFacts | undefined,
): Condition {
  const { key, document, problem } = liveReferenceValues(trustee);
  const asksForNone = claim.sure && claim.binding !== "azure-vtpm" && problem === undefined;
  if (document === undefined && !asksForNone) {
    return {
      id: "reference",
      status: "fails",
      detail: problem ?? `there is no key "${key}" with reference values`,
      next: "Correct the ConfigMap with the reference values.",
    };
  }
  const registration = registrationOf(document?.entries ?? [], pod, claim, stack);
  const { holding } = registration;
  const [first] = holding;
  if (first === undefined) return unregistered(claim, registration);
  const live = holding.find(({ expiration }) => isLive(expiration, trustee.now));
  if (live === undefined) {
    return {
      id: "reference",
      status: "fails",
      detail: `${shownName(first.name)} holds this digest, but has expired, so that it matches nothing`,
      expected: [`an expiration after ${timeText(trustee.now)}`],
      seen: first.expiration,
      next: `Set a later expiration for ${shownName(first.name)}: pulumi up renews what it created.`,
    };
  }
  return {
    id: "reference",
    status: "holds",
    detail: `${holding.map(({ name }) => shownName(name)).join(" and ")} hold${holding.length === 1 ? "s" : ""} this digest, until ${live.expiration}`,
  };
}

function isLive(expiration: string, now: number): boolean {
  return (expirySeconds(expiration) ?? 0) > now;
}

/**
 * The other reference values of its TEE, those of the boot above all, have not expired either: a Trustee whose attestation
 * policy asks for one that has does not find the pod affirming, whatever its initdata. Which of them it asks for is not seen
 * from outside.
 */
export function measurementsCondition(
  trustee: TrusteeFacts,
  pod: TeePod,
  claim: ToldClaim,
): readonly Condition[] {
  const entries = liveReferenceValues(trustee).document?.entries;
  if (entries === undefined) return [];
  const own = entries.filter(({ name }) => isForTee(name, pod, claim));
  const [live, dead] = [true, false].map((wanted) =>
    own.filter(({ expiration }) => isLive(expiration, trustee.now) === wanted),
  );
  // An entry for the digest that has expired, with no other in its place, is the condition before this one.
  const expired = (dead ?? []).filter(
    (entry) => !holdsClaim(entry, claim) || live?.some((other) => holdsClaim(other, claim)),
  );
  if (expired.length === 0) {
    return [
      { id: "measurements", status: "holds", detail: "no other reference value of its TEE has expired" },
    ];
  }
  const names = expired.map(({ name }) => shownName(name)).join(" and ");
  const said = expired
    .map(({ name, expiration }) => `${shownName(name)} (${shownName(expiration)})`)
    .join(" and ");
  return [
    {
      id: "measurements",
      status: "unknown",
      detail: `${said} ${expired.length === 1 ? "has" : "have"} expired, so that a pod which is measured by ${expired.length === 1 ? "it" : "them"} does not attest well`,
      next: `Check that the values of ${names} still hold, then set a later expiration.`,
    },
  ];
}
