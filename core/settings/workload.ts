/**
 * What a confidential pod is declared as: a Pod of its own, or the pod template of a controller. Every pod that a
 * controller makes carries the template's initdata, and so all of them are one reader.
 */
export const workloadKinds = ["Pod", "Deployment", "StatefulSet", "Job"] as const;
export type WorkloadKind = (typeof workloadKinds)[number];

/** The kinds that keep a number of pods running. */
const replicated: readonly WorkloadKind[] = ["Deployment", "StatefulSet"];

export function hasReplicas(kind: WorkloadKind): boolean {
  return replicated.includes(kind);
}

/** The namespace of a pod that names none. */
export const DEFAULT_NAMESPACE = "default";

/**
 * How a pod is named in grants, outputs and the policy: by its name alone in the namespace `default`, as
 * `namespace/name` elsewhere.
 */
export function podId(namespace: string, name: string): string {
  return namespace === DEFAULT_NAMESPACE ? name : `${namespace}/${name}`;
}
