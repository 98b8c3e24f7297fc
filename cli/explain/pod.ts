import { fitWords, misfitOf, type Misfit } from "../../core/initdata/tee.ts";
import { shownName } from "../../core/policy/shown-name.ts";
import { BROKEN_WORDS, isBroken, strayWords } from "../../core/initdata/annotation-names.ts";
import type { GlobalInitdata, PodFacts } from "../audit/facts.ts";
import type { Condition } from "./explanation.ts";
import { isEditedLater } from "../lint/digests.ts";
import type { NamedClaim, PodClaims, UnreadableInitdata } from "../audit/pod-claims.ts";

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

/** There is no initdata annotation; the cluster may give the pod initdata all the same. */
function noInitdata({ strayAnnotations = [] }: PodFacts, cluster: GlobalInitdata | undefined): Condition {
  const next =
    "Give the pod initdata of its own: declare it in the stack, or add the annotation from its outputs, and create it anew.";
  const detail = ["the pod has no initdata annotation", ...strayAnnotations.map(strayWords)].join(": ");
  if (cluster === undefined) return { id: "initdata", status: "fails", detail, next };
  const from =
    "problem" in cluster
      ? `whether the cluster gives it initdata is not known (${cluster.problem})`
      : `ConfigMap ${cluster.namespace}/${cluster.name} (${cluster.key}) gives initdata to every peer pod without, and which it did when this one started is not seen`;
  return { id: "initdata", status: "unknown", detail: `${detail}; ${from}`, next };
}

/** Its initdata says what its TEE claims. @param cluster what the cluster gives to pods that have none; undefined: nothing */
export function initdataCondition(
  pod: PodFacts,
  claims: PodClaims | UnreadableInitdata | undefined,
  claim: NamedClaim | undefined,
  cluster: GlobalInitdata | undefined,
): Condition {
  if (claims === undefined) return noInitdata(pod, cluster);
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
    detail: `${claim.name} ${claim.value}, from the running pod's annotation${isBroken(pod.annotation ?? "") ? `, which ${BROKEN_WORDS}` : ""}`,
  };
}

/** What it runs on binds initdata as it is taken to; a condition only where it does not. */
export function bindingConditions(pod: PodFacts, claim: NamedClaim): readonly Condition[] {
  const misfit = misfitOf(claim.binding, pod);
  if (misfit === undefined) return [];
  return [
    {
      id: "binding",
      status: "unknown",
      detail: `${misfit.by} goes with ${fitWords(misfit)}, and the pod is taken for ${claim.binding}: its TEE may claim something else`,
      next: bindingStep(misfit),
    },
  ];
}

/** How to get a pod and its binding to fit. */
export function bindingStep(misfit: Misfit): string {
  const run = ", then run pulumi up.";
  return misfit.fits.length === 0
    ? `Correct the pod's runtimeClassName${run}`
    : `Set the pod's binding to ${fitWords(misfit)} in its stack's settings, or correct its runtimeClassName${run}`;
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
    detail: `${shownName(pod.annotated.by)} wrote the pod at ${timeText(pod.annotated.at)}, after its start at ${timeText(pod.createdAt)}: if that was the annotation, the guest claims what was there before`,
    next: "Delete the pod and create it again with the initdata that it should have.",
  };
}
