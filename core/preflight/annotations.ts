import { BROKEN_WORDS, isBroken, strayNames, strayWords } from "../initdata/annotation-names.ts";
import type { Plan } from "../plan/plan.ts";

/** Warnings of initdata annotations that some runtime does not read, and of others that were meant to be one, as it seems. */
export function annotationWarnings({ pods }: Pick<Plan, "pods">): readonly string[] {
  return pods.flatMap(({ declaration: { annotations }, annotation }, index) => [
    ...strayNames(annotations).map(
      (name) =>
        `pods[${index}].annotations: ${strayWords(name)}. Initdata is set by the pod's settings: remove it.`,
    ),
    // As it is on a pod that is taken over: another one would replace the pod.
    ...(isBroken(annotation)
      ? [`pods[${index}]: its initdata annotation, which stays as it is in the cluster, ${BROKEN_WORDS}.`]
      : []),
  ]);
}
