import { expirySeconds } from "./expiry.ts";
import type { PodFacts, TrusteeFacts } from "./facts.ts";
import type { Condition } from "./explanation.ts";
import { isEditedLater } from "./lint-digests.ts";
import type { NamedClaim, PodClaims, UnreadableInitdata } from "./pod-claims.ts";
import { isInitdataEntry, liveReferenceValues } from "./trustee-view.ts";

/** RFC 3339, whole seconds. */
export function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** The pod is there and runs. @param pod `undefined`: there is none */
export function podCondition(pod: PodFacts | undefined): Condition {
  if (pod === undefined) {
    return {
      id: "pod",
      status: "fails",
      detail: "there is no such pod",
      next: "Create the pod: pulumi up, or correct its name and namespace.",
    };
  }
  if (pod.phase === "Running" && pod.ready) {
    return { id: "pod", status: "holds", detail: `Running since ${timeText(pod.createdAt)}` };
  }
  return {
    id: "pod",
    status: "fails",
    detail: `it is ${pod.phase}${pod.phase === "Running" ? ", but not Ready" : ""}`,
    next:
      `Look at what keeps it: kubectl describe pod ${pod.name} -n ${pod.namespace}. A guest that the KBS gives no image ` +
      "policy does not start; the conditions below tell whether it would.",
  };
}

/** Its initdata says what its TEE claims. */
export function initdataCondition(
  claims: PodClaims | UnreadableInitdata | undefined,
  claim: NamedClaim | undefined,
): Condition {
  if (claims === undefined) {
    return {
      id: "initdata",
      status: "fails",
      detail: "the pod has no initdata annotation",
      next: "Give the pod initdata of its own: declare it in the stack, or add the annotation from its outputs, and create it anew.",
    };
  }
  if ("problem" in claims || claim === undefined) {
    return {
      id: "initdata",
      status: "fails",
      detail: `it cannot be read: ${"problem" in claims ? claims.problem : "no TEE can bind it"}`,
      next: "Make the annotation anew: base64 of gzip of the initdata document. Then create the pod anew.",
    };
  }
  return {
    id: "initdata",
    status: "holds",
    detail: `${claim.name} ${claim.value}, from the running pod's annotation`,
  };
}

/** It is what the stack declares. @param declared the annotation among the stack's outputs */
export function declaredCondition(pod: PodFacts, declared: string): Condition {
  return pod.annotation === declared
    ? { id: "declared", status: "holds", detail: "the pod has the initdata that its stack declares" }
    : {
        id: "declared",
        status: "fails",
        detail: "the pod has other initdata than its stack declares",
        next: "Replace the pod by the declared one: pulumi up.",
      };
}

/** What is measured is the initdata of the start. */
export function uneditedCondition(pod: PodFacts): Condition {
  if (pod.annotated === undefined) {
    return { id: "unedited", status: "unknown", detail: "nothing tells who wrote the annotation" };
  }
  if (!isEditedLater(pod)) {
    return { id: "unedited", status: "holds", detail: "the annotation is that of the pod's creation" };
  }
  return {
    id: "unedited",
    status: "unknown",
    detail: `${pod.annotated.by} wrote the pod at ${timeText(pod.annotated.at)}, after its start at ${timeText(pod.createdAt)}: if that was the annotation, the guest claims what was there before`,
    next: "Delete the pod and create it again with the initdata that it should have.",
  };
}

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
  const holding = entries.filter(({ values }) => values.some((value) => value.toLowerCase() === claim.value));
  const [first] = holding;
  if (first === undefined) {
    return {
      id: "reference",
      status: "fails",
      detail: "no reference value holds this digest, so the pod does not attest well",
      expected: [`${claim.value} in ${names}`],
      seen: `${entries.flatMap(({ values }) => values).length} other digests`,
      next: "Register the pod's digest: declare the pod in a stack, then run pulumi up.",
    };
  }
  const live = holding.find(({ expiration }) => (expirySeconds(expiration) ?? 0) > trustee.now);
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
