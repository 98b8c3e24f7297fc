import { NO_HARDWARE } from "../initdata/binding.ts";
import { shownName } from "../policy/shown-name.ts";
import { expirySeconds } from "./expiry.ts";
import type { Condition } from "./explanation.ts";
import type { StackFacts, TrusteeFacts } from "./facts.ts";
import { holdsClaim, isForTee, registrationOf, type Registration } from "./registration.ts";
import type { TeePod, ToldClaim } from "./told-claim.ts";
import { liveReferenceValues, type LiveEntry } from "./trustee-view.ts";

/** No entry holds the pod's claim. */
function unregistered(claim: ToldClaim, { entries, elsewhere, twin, dead }: Registration): Condition {
  const id = "reference";
  const names = entries.map(({ name }) => shownName(name)).join(" or ") || "an entry for initdata";
  const found = {
    expected: [`${claim.value} in ${names}`],
    seen: twin?.value ?? `${entries.flatMap(({ values }) => values).length} other digests`,
  };
  if (dead !== undefined) {
    return {
      id,
      status: "fails",
      detail: `${shownName(dead.entry)} holds this digest, but ${dead.words}: Trustee does not find it there, so the pod does not attest well`,
      expected: [`${claim.value} in a list, in ${shownName(dead.entry)}`],
      seen: dead.words,
      next: `Correct ${shownName(dead.entry)}: pulumi up does, where the pod's stack writes its digest there.`,
    };
  }
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

function expiredWords({ name, expiration }: LiveEntry, now: number): string {
  const isOver = (expirySeconds(expiration) ?? Infinity) <= now;
  return isOver ? `; ${shownName(name)} expired on ${expiration}, which Trustee does not look at` : "";
}

/**
 * A reference value holds the pod's digest, so that it attests well; whether it has expired, no KBS looks from v0.16 on. On bare
 * metal it is asked only where there are entries for it: Trustee's own attestation policy compares PCR8 alone.
 */
export function referenceCondition(
  trustee: TrusteeFacts,
  pod: TeePod,
  claim: ToldClaim,
  stack: StackFacts | undefined,
): Condition {
  const { key, entries, problem } = liveReferenceValues(trustee);
  const asksForNone = claim.sure && claim.binding !== "azure-vtpm" && problem === undefined;
  if (entries === undefined && !asksForNone) {
    return {
      id: "reference",
      status: "fails",
      detail: problem ?? `there is no key "${key}" with reference values`,
      next: "Correct the ConfigMap with the reference values.",
    };
  }
  const registration = registrationOf(entries ?? [], pod, claim, stack);
  const { holding } = registration;
  if (holding.length === 0) return unregistered(claim, registration);
  const names = holding.map(({ name }) => shownName(name)).join(" and ");
  const expired = holding.map((entry) => expiredWords(entry, trustee.now)).join("");
  return {
    id: "reference",
    status: "holds",
    detail: `${names} hold${holding.length === 1 ? "s" : ""} this digest${expired}`,
  };
}

/**
 * Trustee can read the other reference values of the pod's TEE, those of the boot above all: one whose attestation policy asks for
 * an entry that it cannot read attests nobody. Which of them it asks for is not seen from outside.
 */
export function measurementsCondition(
  trustee: TrusteeFacts,
  pod: TeePod,
  claim: ToldClaim,
): readonly Condition[] {
  const { entries } = liveReferenceValues(trustee);
  if (entries === undefined) return [];
  const own = entries.filter(({ name }) => isForTee(name, pod, claim));
  const isRegistered = own.some((entry) => holdsClaim(entry, claim));
  // An entry for the digest, with no other in its place, is the condition before this one.
  const unread = own.filter(
    ({ dead, held }) => dead?.kind === "unread" && (isRegistered || !holdsClaim({ values: held }, claim)),
  );
  if (unread.length === 0) {
    return [
      {
        id: "measurements",
        status: "holds",
        detail: "Trustee can read the other reference values of its TEE",
      },
    ];
  }
  const names = unread.map(({ name }) => shownName(name)).join(" and ");
  const said = unread.map(({ name, dead }) => `${shownName(name)} ${dead?.words ?? ""}`).join(", and ");
  return [
    {
      id: "measurements",
      status: "unknown",
      detail: `${said}, so that Trustee cannot read ${unread.length === 1 ? "it" : "them"}: a pod which is measured by ${unread.length === 1 ? "it" : "them"} does not attest`,
      next: `Correct ${names}.`,
    },
  ];
}
