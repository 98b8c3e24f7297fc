import { fitWords, misfitOf, type Misfit } from "../../core/initdata/tee.ts";
import { shownName } from "../../core/policy/shown-name.ts";
import { BROKEN_WORDS, isBroken, strayWords } from "../../core/initdata/annotation-names.ts";
import type { GlobalInitdata, PodFacts } from "../audit/facts.ts";
import type { Condition } from "./explanation.ts";
import {
  isEditedLater,
  type NamedClaim,
  type PodClaims,
  type UnreadableInitdata,
} from "../audit/pod-claims.ts";

/** RFC 3339, whole seconds. */
export function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** The pod exists and runs. @param pod `undefined`: there is none */
export function podCondition(pod: PodFacts | undefined): Condition {
  if (pod === undefined) {
    return {
      id: "pod",
      status: "fails",
      detail: "there is no such pod",
      next: "Create the pod with pulumi up, or correct its name and namespace.",
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
      `Find out why: kubectl describe pod ${pod.name} -n ${pod.namespace}. A guest does not start without its image ` +
      "policy from the KBS; the conditions below say whether it would get it.",
  };
}

/** The pod has no initdata annotation. The cluster may still give it initdata. */
function noInitdata({ strayAnnotations = [] }: PodFacts, cluster: GlobalInitdata | undefined): Condition {
  const next =
    "Give the pod initdata: declare it in the stack, or add the annotation from the stack's outputs. Then recreate the pod.";
  const detail = ["the pod has no initdata annotation", ...strayAnnotations.map(strayWords)].join(": ");
  if (cluster === undefined) return { id: "initdata", status: "fails", detail, next };
  const from =
    "problem" in cluster
      ? `whether the cluster gives it initdata is unknown (${cluster.problem})`
      : `ConfigMap ${cluster.namespace}/${cluster.name} (${cluster.key}) gives initdata to every peer pod without any; which initdata this pod got at its start is unknown`;
  return { id: "initdata", status: "unknown", detail: `${detail}; ${from}`, next };
}

/**
 * Its initdata can be read.
 * @param cluster initdata that the cluster gives to pods without; undefined: none
 */
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
      next: "Recreate the annotation: compress the initdata document with gzip and encode it as base64. Then recreate the pod.",
    };
  }
  return {
    id: "initdata",
    status: "holds",
    detail: `${claim.name} ${claim.value}, from the running pod's annotation${isBroken(pod.annotation ?? "") ? `, which ${BROKEN_WORDS}` : ""}`,
  };
}

/** Its runtime class or instance size fits its binding; a condition only if it does not. */
export function bindingConditions(pod: PodFacts, claim: NamedClaim): readonly Condition[] {
  const misfit = misfitOf(claim.binding, pod);
  if (misfit === undefined) return [];
  return [
    {
      id: "binding",
      status: "unknown",
      detail: `${misfit.by} fits ${fitWords(misfit)}, but the pod is declared or known as ${claim.binding}: its TEE may report another claim`,
      next: bindingStep(misfit),
    },
  ];
}

/** How to fix a binding that does not fit the pod. */
export function bindingStep(misfit: Misfit): string {
  const run = ", then run pulumi up.";
  return misfit.fits.length === 0
    ? `Correct the pod's runtimeClassName${run}`
    : `Set the pod's binding to ${fitWords(misfit)} in its stack's settings, or correct its runtimeClassName${run}`;
}

/** The pod has the annotation that its stack declares. @param declared from the stack's outputs */
export function declaredCondition(pod: PodFacts, declared: string): Condition {
  return pod.annotation === declared
    ? { id: "declared", status: "holds", detail: "the pod has the initdata that its stack declares" }
    : {
        id: "declared",
        status: "fails",
        detail: "the pod has other initdata than its stack declares",
        next: "Run pulumi up to replace the pod.",
      };
}

/** The annotation was not edited after the start, when it was measured. */
export function uneditedCondition(pod: PodFacts): Condition {
  if (pod.annotated === undefined) {
    return { id: "unedited", status: "unknown", detail: "who wrote the annotation last is unknown" };
  }
  if (!isEditedLater(pod)) {
    return { id: "unedited", status: "holds", detail: "the annotation is that of the pod's creation" };
  }
  return {
    id: "unedited",
    status: "unknown",
    detail: `${shownName(pod.annotated.by)} wrote the pod at ${timeText(pod.annotated.at)}, after its start at ${timeText(pod.createdAt)}: if that changed the annotation, the guest still claims the previous one`,
    next: "Recreate the pod with the intended initdata.",
  };
}
