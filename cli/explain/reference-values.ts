import { NO_HARDWARE } from "../../core/initdata/binding.ts";
import { shownName } from "../../core/policy/shown-name.ts";
import { expirySeconds } from "../../core/reference-values/document.ts";
import type { Condition } from "./explanation.ts";
import type { StackFacts, TrusteeFacts } from "../audit/facts.ts";
import { digestEntries, liveAppraisal } from "../audit/attestation-policy.ts";
import { registrationOf, type Registration } from "../audit/registration.ts";
import type { TeePod, LikelyClaim } from "../audit/likely-claim.ts";
import { azureTeeOf } from "../audit/likely-claim.ts";
import { teesOf, type PodTee } from "../questions/tokens.ts";
import { liveReferenceValues, type LiveEntry } from "../audit/trustee-view.ts";

/** The consequence, if the attestation policy asks for the digest. */
const SO = ", so the pod does not attest well";

/** The condition if no entry holds the pod's claim. */
function unregistered(
  claim: LikelyClaim,
  { entries, elsewhere, twin, dead }: Registration,
  asked: readonly string[] = entries.map(({ name }) => name),
): Condition {
  const id = "reference";
  const names = asked.map((name) => shownName(name)).join(" or ") || "an entry for initdata";
  const found = {
    expected: [`${claim.value} in ${names}`],
    seen: twin?.value ?? `${entries.flatMap(({ values }) => values).length} other digests`,
  };
  if (dead !== undefined) {
    return {
      id,
      status: "fails",
      detail: `${shownName(dead.entry)} holds this digest, but ${dead.words}: Trustee does not find it${SO}`,
      expected: [`${claim.value} in a list, in ${shownName(dead.entry)}`],
      seen: dead.words,
      next: `Correct ${shownName(dead.entry)}. pulumi up does this if the pod's stack writes the entry.`,
    };
  }
  if (twin !== undefined) {
    return {
      id,
      status: "fails",
      detail: `${shownName(twin.name)} holds this digest only in another case: Trustee compares exactly${SO}`,
      ...found,
      next: `Write the digest in lower case in ${shownName(twin.name)}.`,
    };
  }
  const [other] = elsewhere;
  if (other !== undefined) {
    return {
      id,
      status: "unknown",
      detail: `${shownName(other.name)} holds this digest, but it is unknown whether this entry is for digests of initdata`,
      next: "Name the pod's stack with --stack: it knows its entries.",
    };
  }
  if (!claim.sure) {
    return {
      id,
      status: "unknown",
      detail:
        "no reference value holds this digest: a pod with a vTPM then does not attest well; on bare metal none is needed",
      next: "Name the pod's stack with --stack: it knows how the TEE binds the initdata. If the pod is in no stack and has a vTPM, declare it in one, then run pulumi up.",
    };
  }
  if (claim.binding !== "azure-vtpm" && asked.length === 0) {
    return {
      id,
      status: "holds",
      detail:
        claim.binding === "sample"
          ? `${NO_HARDWARE}: its digest needs no reference value`
          : `none is needed on bare metal: no entry is for ${claim.name}`,
    };
  }
  return {
    id,
    status: "fails",
    detail: `no reference value holds this digest${SO}`,
    ...found,
    next: "Register the pod's digest: declare the pod in a stack, then run pulumi up.",
  };
}

function expiredWords({ name, expiration }: LiveEntry, now: number): string {
  const isOver = (expirySeconds(expiration) ?? Infinity) <= now;
  return isOver ? `; ${shownName(name)} expired on ${expiration}, which Trustee ignores` : "";
}

/** The condition if the attestation policy needs no look at the reference values; `undefined`: it does. */
function withoutReference(trustee: TrusteeFacts, tee: PodTee, claim: LikelyClaim): Condition | undefined {
  const appraisal = liveAppraisal(trustee, tee);
  if (appraisal === undefined) return undefined;
  if (appraisal.kind === "never") {
    const { like, claim: missing } = appraisal;
    const but =
      like === undefined ? "" : `, only one for ${shownName(like)}, a name that the KBS does not use`;
    return {
      id: "reference",
      status: "fails",
      detail: `the attestation policy has no rule that accepts ${missing} on ${tee}${but}, so no such pod attests well`,
      next: `Correct the attestation policy in ConfigMap "${shownName(trustee.attestationPolicy?.name ?? "")}"${like === undefined ? "" : `: write input["${tee}"]`}.`,
    };
  }
  if (digestEntries(appraisal).length > 0) return undefined;
  return {
    id: "reference",
    status: "holds",
    detail: `the attestation policy asks for no reference value for ${claim.name} on ${tee}`,
  };
}

/** A failure becomes unknown if the pod's TEE is unknown. */
export function ifSure({ sure }: LikelyClaim, condition: Condition): Condition {
  if (sure || condition.status !== "fails") return condition;
  const next = "Name the pod's stack with --stack: it knows the TEE.";
  return { id: condition.id, status: "unknown", detail: `if it has a vTPM, ${condition.detail}`, next };
}

/** The condition for one TEE. */
function referenceOn(
  tee: PodTee,
  trustee: TrusteeFacts,
  pod: TeePod,
  claim: LikelyClaim,
  stack: StackFacts | undefined,
): Condition {
  const { key, entries, problem } = liveReferenceValues(trustee);
  const appraisal = liveAppraisal(trustee, tee);
  const early = withoutReference(trustee, tee, claim);
  if (early !== undefined) return ifSure(claim, early);
  const isAsked = appraisal !== undefined || !claim.sure || claim.binding === "azure-vtpm";
  if (entries === undefined && (isAsked || problem !== undefined)) {
    return {
      id: "reference",
      status: "fails",
      detail: problem ?? `there is no key "${key}" with reference values`,
      next: "Correct the ConfigMap with the reference values.",
    };
  }
  const asked = appraisal?.kind === "asks" ? digestEntries(appraisal) : undefined;
  const registration = registrationOf(entries ?? [], pod, claim, stack, asked);
  const { holding } = registration;
  const isHeld =
    asked === undefined
      ? holding.length > 0
      : asked.every((name) => holding.some((one) => one.name === name));
  if (isHeld) {
    const names = holding.map(({ name }) => shownName(name)).join(" and ");
    const expired = holding.map((entry) => expiredWords(entry, trustee.now)).join("");
    return {
      id: "reference",
      status: "holds",
      detail: `${names} hold${holding.length === 1 ? "s" : ""} this digest${expired}`,
    };
  }
  const missing = unregistered(claim, registration, asked);
  if (appraisal !== undefined || missing.status !== "fails") return missing;
  return {
    ...missing,
    status: "unknown",
    detail: `${missing.detail.replace(SO, "")}; whether the attestation policy asks for it is not seen`,
  };
}

/**
 * The TEEs that a pod may have. If nothing implies one, those that need a reference value.
 */
export function teesOfPod(pod: TeePod, claim: LikelyClaim): readonly PodTee[] {
  const azure = azureTeeOf(pod);
  const tees = teesOf(claim);
  return azure !== undefined && tees.includes(azure) ? [azure] : tees;
}

/** One condition for a pod that may have any of these TEEs. */
export function onAny(tees: readonly PodTee[], conditionOn: (tee: PodTee) => Condition): Condition {
  const [first, ...others] = tees.map((tee) => ({ tee, condition: conditionOn(tee) }));
  if (first === undefined) throw new RangeError("a claim is of some TEE");
  if (others.every(({ condition }) => condition.status === first.condition.status)) return first.condition;
  const details = [first, ...others].map(({ tee, condition }) => `on ${tee}, ${condition.detail}`);
  return {
    id: first.condition.id,
    status: "unknown",
    detail: `it depends on the pod's TEE, which is unknown: ${details.join("; ")}`,
    next: "Try from the pod: npx trustee-access verify.",
  };
}

/**
 * The reference values hold the pod's digest, if the attestation policy asks for it.
 * - KBS v0.16 and later ignore expirations.
 * - Attestation policy unknown: vTPMs need an entry; bare metal needs one only if there are entries for it.
 */
export function referenceCondition(
  trustee: TrusteeFacts,
  pod: TeePod,
  claim: LikelyClaim,
  stack: StackFacts | undefined,
): Condition {
  return onAny(teesOfPod(pod, claim), (tee) => referenceOn(tee, trustee, pod, claim, stack));
}
