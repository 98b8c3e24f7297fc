import { reveal, type PathSegment, type PropertyMap } from "../../protocol/index.ts";

/** Which of the two kinds of stored data may change in place. */
export interface Mutability {
  readonly enableSecretMutable: boolean;
  readonly enableConfigMapMutable: boolean;
}

/**
 * Fields that the API server does not let change, or that the real plugin does not change in place. `*` is any
 * element of a list. Source: provider/pkg/provider/diff.go of pulumi/pulumi-kubernetes.
 */
const immutable: Readonly<Record<string, readonly string[]>> = {
  "v1 Secret": ["type"],
  "v1 Service": ["spec.clusterIP"],
  "v1 ResourceQuota": ["spec.scopes"],
  "v1 PersistentVolumeClaim": [
    "spec.accessModes",
    "spec.selector",
    "spec.storageClassName",
    "spec.volumeName",
  ],
  "apps/v1 Deployment": ["spec.selector"],
  "apps/v1 DaemonSet": ["spec.selector"],
  "apps/v1 StatefulSet": [
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
  ],
  "batch/v1 Job": ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
  "rbac.authorization.k8s.io/v1 RoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/v1 ClusterRoleBinding": ["roleRef"],
  "storage.k8s.io/v1 StorageClass": ["parameters", "provisioner"],
  "policy/v1 PodDisruptionBudget": [],
  "v1 Pod": ["spec"],
};

/** The few fields of a pod's spec that the API server lets change. */
const mutablePodFields = ["spec.activeDeadlineSeconds", "spec.tolerations", "spec.schedulingGates"];

/** Whether a path is within a field, or holds it. */
function touches(path: readonly PathSegment[], field: string): boolean {
  const names = field.split(".");
  const length = Math.min(path.length, names.length);
  return names.slice(0, length).every((name, index) => name === "*" || name === path[index]);
}

/** Whether a change at a path can be made only by a new object. */
export function replaces(path: readonly PathSegment[], inputs: PropertyMap, mutability: Mutability): boolean {
  if (["metadata.name", "metadata.namespace", "apiVersion", "kind"].some((field) => touches(path, field)))
    return true;
  const { apiVersion, kind } = reveal(inputs);
  const type = typeof apiVersion === "string" && typeof kind === "string" ? `${apiVersion} ${kind}` : "";
  if (type === "v1 Pod" && mutablePodFields.some((field) => path.length > 1 && touches(path, field)))
    return false;
  const fields = [...(immutable[type] ?? [])];
  const sealed = reveal(inputs["immutable"] ?? null) === true;
  if (type === "v1 Secret" && (sealed || !mutability.enableSecretMutable)) fields.push("data", "stringData");
  if (type === "v1 ConfigMap" && (sealed || !mutability.enableConfigMapMutable))
    fields.push("data", "binaryData");
  return fields.some((field) => touches(path, field));
}
