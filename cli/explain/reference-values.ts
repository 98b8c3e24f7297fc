import { NO_HARDWARE } from "../../core/initdata/binding.ts";
import { shownName } from "../../core/shown.ts";
import { expirySeconds } from "../../core/reference-values/document.ts";
import type { Condition } from "./explanation.ts";
import type { StackFacts, TrusteeFacts } from "../audit/facts.ts";
import { digestEntries, liveAppraisal, type Appraisal } from "../audit/attestation-policy.ts";
import { registrationOf, type Registration } from "../audit/registration.ts";
import { azureTeeOf, type LikelyClaim, type TeePod } from "../audit/likely-claim.ts";
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
  if (dead !== undefined) {
    const name = shownName(dead.entry);
    return {
      id,
      status: "fails",
      detail: `${name} holds this digest, but ${dead.words}: Trustee does not find it${SO}`,
      expected: [`${claim.value} in a list, in ${name}`],
      seen: dead.words,
      next: `Correct ${name}. pulumi up does this if the pod's stack writes the entry.`,
    };
  }
  const names = asked.map((name) => shownName(name)).join(" or ") || "an entry for initdata";
  const expected = [`${claim.value} in ${names}`];
  if (twin !== undefined) {
    const name = shownName(twin.name);
    const detail = `${name} holds this digest only in another case: Trustee compares exactly${SO}`;
    const next = `Write the digest in lower case in ${name}.`;
    return { id, status: "fails", detail, expected, seen: twin.value, next };
  }
  const [other] = elsewhere;
  if (other !== undefined) {
    const detail = `${shownName(other.name)} holds this digest, but it is unknown whether this entry is for digests of initdata`;
    return {
      id,
      status: "unknown",
      detail,
      next: "Name the pod's stack with --stack: it knows its entries.",
    };
  }
  if (!claim.sure) {
    const detail =
      "no reference value holds this digest: a pod with a vTPM then does not attest well; on bare metal none is needed";
    const next =
      "Name the pod's stack with --stack: it knows how the TEE binds the initdata. If the pod is in no stack and has a vTPM, declare it in one, then run pulumi up.";
    return { id, status: "unknown", detail, next };
  }
  if (claim.binding !== "azure-vtpm" && asked.length === 0) {
    const detail =
      claim.binding === "sample"
        ? `${NO_HARDWARE}: its digest needs no reference value`
        : `none is needed on bare metal: no entry is for ${claim.name}`;
    return { id, status: "holds", detail };
  }
  const detail = `no reference value holds this digest${SO}`;
  const seen = `${entries.flatMap(({ values }) => values).length} other digests`;
  const next = "Register the pod's digest: declare the pod in a stack, then run pulumi up.";
  return { id, status: "fails", detail, expected, seen, next };
}

function expiredWords({ name, expiration }: LiveEntry, now: number): string {
  const isOver = (expirySeconds(expiration) ?? Infinity) <= now;
  return isOver ? `; ${shownName(name)} expired on ${expiration}, which Trustee ignores` : "";
}

/** The condition if the reference values do not matter; `undefined`: they do. */
function withoutReference(
  { attestationPolicy }: TrusteeFacts,
  appraisal: Appraisal | undefined,
  tee: PodTee,
  claim: LikelyClaim,
): Condition | undefined {
  const id = "reference";
  if (appraisal === undefined) return undefined;
  if (appraisal.kind === "never") {
    const { like, claim: missing } = appraisal;
    const [but, write] =
      like === undefined
        ? ["", ""]
        : [`, only one for ${shownName(like)}, a name that the KBS does not use`, `: write input["${tee}"]`];
    const detail = `the attestation policy has no rule that accepts ${missing} on ${tee}${but}, so no such pod attests well`;
    const next = `Correct the attestation policy in ConfigMap "${shownName(attestationPolicy?.name ?? "")}"${write}.`;
    return { id, status: "fails", detail, next };
  }
  if (digestEntries(appraisal).length > 0) return undefined;
  const detail = `the attestation policy asks for no reference value for ${claim.name} on ${tee}`;
  return { id, status: "holds", detail };
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
  const id = "reference";
  const { key, entries, problem } = liveReferenceValues(trustee);
  const appraisal = liveAppraisal(trustee, tee);
  const early = withoutReference(trustee, appraisal, tee, claim);
  if (early !== undefined) return ifSure(claim, early);
  const isAsked = appraisal !== undefined || !claim.sure || claim.binding === "azure-vtpm";
  if (entries === undefined && (isAsked || problem !== undefined)) {
    const detail = problem ?? `there is no key "${key}" with reference values`;
    return { id, status: "fails", detail, next: "Correct the ConfigMap with the reference values." };
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
    const detail = `${names} hold${holding.length === 1 ? "s" : ""} this digest${expired}`;
    return { id, status: "holds", detail };
  }
  const missing = unregistered(claim, registration, asked);
  if (appraisal !== undefined || missing.status !== "fails") return missing;
  const detail = `${missing.detail.replace(SO, "")}; whether the attestation policy asks for it is unknown`;
  return { ...missing, status: "unknown", detail };
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
  if (first === undefined) throw new RangeError("a claim has at least one TEE");
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
