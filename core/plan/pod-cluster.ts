import { given, someOf, type Issues } from "../issues.ts";
import { own } from "../records.ts";
import type { PodDeclaration } from "../settings/pod.ts";
import { listed } from "../settings/references.ts";

/** The facts of the pods' cluster that the account may read. */
export interface PodCluster {
  /** Namespaces in which no pod can be created, and why. */
  readonly closedNamespaces?: Readonly<Record<string, "missing" | "terminating">>;
  /** The names of its RuntimeClasses. Absent: they could not be read. */
  readonly runtimeClasses?: readonly string[];
}

/** A value of a pod setting: the path of the first pod with it, and all of these pods. */
interface Use {
  readonly path: string;
  readonly value: string;
  readonly pods: string;
}

function usesOf(pods: readonly PodDeclaration[], setting: "namespace" | "runtimeClassName"): readonly Use[] {
  const deployed = pods.map((pod, index) => ({ pod, index })).filter(({ pod }) => pod.deploy);
  return [...Map.groupBy(deployed, ({ pod }) => pod[setting])].map(([value, group]) => ({
    path: `pods[${group[0]?.index ?? 0}].${setting}`,
    value,
    pods: someOf(group.map(({ pod }) => pod.id)),
  }));
}

/** Adds an issue for each namespace and RuntimeClass that the pods need and their cluster lacks. */
export function checkPodCluster(
  pods: readonly PodDeclaration[],
  { closedNamespaces, runtimeClasses }: PodCluster,
  issues: Issues,
): void {
  for (const { path, value, pods: who } of usesOf(pods, "namespace")) {
    const why = own(closedNamespaces, value);
    if (why === undefined) continue;
    issues.add({
      code: why === "missing" ? "TA804" : "TA805",
      path,
      given: `${given(value)} (${who}), a namespace that ${why === "missing" ? "does not exist" : "is being deleted"} in the pods' cluster`,
      allowed: "a namespace that exists",
      fix:
        why === "missing"
          ? `Correct it, or create the namespace: kubectl create namespace ${value}`
          : "Choose another one, or wait until it is gone and create it again.",
    });
  }
  if (runtimeClasses === undefined) return;
  for (const { path, value, pods: who } of usesOf(pods, "runtimeClassName")) {
    if (runtimeClasses.includes(value)) continue;
    issues.add({
      code: "TA804",
      path,
      given: `${given(value)} (${who}), a RuntimeClass that does not exist in the pods' cluster`,
      allowed:
        runtimeClasses.length === 0
          ? "a RuntimeClass that exists; the cluster has none"
          : listed(runtimeClasses),
      fix: "Correct it, or install Kata Containers with this RuntimeClass: kubectl get runtimeclass",
    });
  }
}
