/**
 * How a confidential pod is declared: as a Pod, or as the pod template of a controller. All pods of a
 * controller carry the template's initdata, so they are one reader.
 */
export const workloadKinds = ["Pod", "Deployment", "StatefulSet", "Job"] as const;
export type WorkloadKind = (typeof workloadKinds)[number];

/** Kinds with `replicas`. */
const replicated: readonly WorkloadKind[] = ["Deployment", "StatefulSet"];

export function hasReplicas(kind: WorkloadKind): boolean {
  return replicated.includes(kind);
}

/** The namespace of a pod without one. */
export const DEFAULT_NAMESPACE = "default";

/** The pod's name in grants, outputs and policy: `name` in namespace `default`, else `namespace/name`. */
export function podId(namespace: string, name: string): string {
  return namespace === DEFAULT_NAMESPACE ? name : `${namespace}/${name}`;
}
