import { differsInCase } from "./digest-case.ts";
import { expirySeconds } from "./expiry.ts";
import { timeText } from "./explain-pod.ts";
import type { Condition } from "./explanation.ts";
import type { PodFacts, TrusteeFacts } from "./facts.ts";
import type { NamedClaim } from "./pod-claims.ts";
import { isInitdataEntry, liveReferenceValues } from "./trustee-view.ts";

/** Which entries count for the pod's TEE: by its instance size on Azure, where that says it. */
function isForTee(entry: string, machineType: string | undefined): boolean {
  if (machineType === undefined) return true;
  if (/^Standard_[DE]C\d+e/.test(machineType)) return !/^snp/i.test(entry);
  if (/^Standard_[DE]C\d+a/.test(machineType)) return !/^tdx/i.test(entry);
  return true;
}

/** A reference value that has not expired holds its digest, so that it attests well. */
export function referenceCondition(
  trustee: TrusteeFacts,
  pod: Pick<PodFacts, "machineType">,
  claim: NamedClaim,
): Condition {
  const { key, document, problem } = liveReferenceValues(trustee);
  if (document === undefined) {
    return {
      id: "reference",
      status: "fails",
      detail: problem ?? `there is no key "${key}" with reference values`,
      next: "Correct the ConfigMap with the reference values.",
    };
  }
  const entries = document.entries.filter(
    ({ name }) => isInitdataEntry(name) && isForTee(name, pod.machineType),
  );
  const names = entries.map(({ name }) => name).join(" or ") || "an entry for initdata";
  const holding = entries.filter(({ values }) => values.includes(claim.value));
  const [first] = holding;
  if (first === undefined) {
    const [twin] = entries.flatMap(({ name, values }) =>
      values.filter((value) => differsInCase(value, claim.value)).map((value) => ({ name, value })),
    );
    return {
      id: "reference",
      status: "fails",
      detail:
        twin === undefined
          ? "no reference value holds this digest, so the pod does not attest well"
          : `${twin.name} holds this digest, but it differs in case only: Trustee compares exactly, so the pod does not attest well`,
      expected: [`${claim.value} in ${names}`],
      seen: twin?.value ?? `${entries.flatMap(({ values }) => values).length} other digests`,
      next:
        twin === undefined
          ? "Register the pod's digest: declare the pod in a stack, then run pulumi up."
          : `Write the digest in lower case in ${twin.name}.`,
    };
  }
  const live = holding.find(({ expiration }) => isLive(expiration, trustee.now));
  if (live === undefined) {
    return {
      id: "reference",
      status: "fails",
      detail: `${first.name} holds this digest, but has expired, so that it matches nothing`,
      expected: [`an expiration after ${timeText(trustee.now)}`],
      seen: first.expiration,
      next: `Set a later expiration for ${first.name}: pulumi up renews what it created.`,
    };
  }
  return {
    id: "reference",
    status: "holds",
    detail: `${holding.map(({ name }) => name).join(" and ")} hold${holding.length === 1 ? "s" : ""} this digest, until ${live.expiration}`,
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
  pod: Pick<PodFacts, "machineType">,
  claim: NamedClaim,
): readonly Condition[] {
  const entries = liveReferenceValues(trustee).document?.entries;
  if (entries === undefined) return [];
  const own = entries.filter(({ name }) => isForTee(name, pod.machineType));
  const [live, dead] = [true, false].map((wanted) =>
    own.filter(({ expiration }) => isLive(expiration, trustee.now) === wanted),
  );
  const holds = ({ values }: { readonly values: readonly string[] }): boolean => values.includes(claim.value);
  // An entry for the digest that has expired, with no other in its place, is the condition before this one.
  const expired = (dead ?? []).filter((entry) => !holds(entry) || live?.some(holds));
  if (expired.length === 0) {
    return [
      { id: "measurements", status: "holds", detail: "no other reference value of its TEE has expired" },
    ];
  }
  const names = expired.map(({ name }) => name).join(" and ");
  const said = expired.map(({ name, expiration }) => `${name} (${expiration})`).join(" and ");
  return [
    {
      id: "measurements",
      status: "unknown",
      detail: `${said} ${expired.length === 1 ? "has" : "have"} expired, so that a pod which is measured by ${expired.length === 1 ? "it" : "them"} does not attest well`,
      next: `Check that the values of ${names} still hold, then set a later expiration.`,
    },
  ];
}
