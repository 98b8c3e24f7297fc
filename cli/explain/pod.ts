import { fitWords, misfitOf } from "../../core/initdata/tee.ts";
import { shownName } from "../../core/shown.ts";
import { BROKEN_WORDS, isBroken, strayWords } from "../../core/initdata/annotation-names.ts";
import type { GlobalInitdata, PodFacts } from "../audit/facts.ts";
import type { Condition } from "./explanation.ts";
import { bindingStep, isEditedLater, readPodClaims, type NamedClaim } from "../audit/pod-claims.ts";

/** RFC 3339, whole seconds. */
export function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** The pod exists and runs. @param pod `undefined`: there is none */
export function podCondition(pod: PodFacts | undefined): Condition {
  const id = "pod";
  if (pod === undefined) {
    const next = "Create the pod with pulumi up, or correct its name and namespace.";
    return { id, status: "fails", detail: "there is no such pod", next };
  }
  const { phase, ready, name, namespace } = pod;
  if (phase === "Running" && ready) {
    return { id, status: "holds", detail: `Running since ${timeText(pod.createdAt)}` };
  }
  const detail = `it is ${phase}${phase === "Running" ? ", but not Ready" : ""}`;
  const next =
    `Find out why: kubectl describe pod ${name} -n ${namespace}. A guest does not start without its image ` +
    "policy from the KBS; the conditions below say whether it would get it.";
  return { id, status: "fails", detail, next };
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
  claim: NamedClaim | undefined,
  cluster: GlobalInitdata | undefined,
): Condition {
  const claims = readPodClaims(pod);
  if (claims === undefined) return noInitdata(pod, cluster);
  if ("problem" in claims || claim === undefined) {
    const detail = `it cannot be read: ${"problem" in claims ? claims.problem : "no TEE can bind it"}`;
    const next =
      "Recreate the annotation: compress the initdata document with gzip and encode it as base64. Then recreate the pod.";
    return { id: "initdata", status: "fails", detail, next };
  }
  const broken = isBroken(pod.annotation ?? "") ? `, which ${BROKEN_WORDS}` : "";
  const detail = `${claim.name} ${claim.value}, from the running pod's annotation${broken}`;
  return { id: "initdata", status: "holds", detail };
}

/** Its runtime class or instance size fits its binding; a condition only if it does not. */
export function bindingConditions(pod: PodFacts, claim: NamedClaim): readonly Condition[] {
  const misfit = misfitOf(claim.binding, pod);
  if (misfit === undefined) return [];
  const detail = `${misfit.by} fits ${fitWords(misfit)}, but the pod is declared or known as ${claim.binding}: its TEE may report another claim`;
  return [{ id: "binding", status: "unknown", detail, next: bindingStep(misfit) }];
}

/** The pod has the annotation that its stack declares. @param declared from the stack's outputs */
export function declaredCondition(pod: PodFacts, declared: string): Condition {
  const id = "declared";
  if (pod.annotation === declared) {
    return { id, status: "holds", detail: "the pod has the initdata that its stack declares" };
  }
  const detail = "the pod has other initdata than its stack declares";
  return { id, status: "fails", detail, next: "Run pulumi up to replace the pod." };
}

/** The annotation was not edited after the start, when it was measured. */
export function uneditedCondition(pod: PodFacts): Condition {
  const { annotated, createdAt } = pod;
  const id = "unedited";
  if (annotated === undefined) {
    return { id, status: "unknown", detail: "who wrote the annotation last is unknown" };
  }
  if (!isEditedLater(pod)) {
    return { id, status: "holds", detail: "the annotation is that of the pod's creation" };
  }
  const detail = `${shownName(annotated.by)} wrote the pod at ${timeText(annotated.at)}, after its start at ${timeText(createdAt)}: if that changed the annotation, the guest still claims the previous one`;
  return { id, status: "unknown", detail, next: "Recreate the pod with the intended initdata." };
}
