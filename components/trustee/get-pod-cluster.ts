import type * as pulumi from "@pulumi/pulumi";
import type { PodCluster } from "../../core/plan/pod-cluster.ts";
import { invoke } from "./invoke.ts";

/** What the pods' cluster has of what pods in these namespaces need. */
export async function getPodCluster(
  namespaces: readonly string[],
  opts?: pulumi.InvokeOptions,
): Promise<PodCluster> {
  return (await invoke("trustee:index:getPodCluster", { namespaces: [...namespaces] }, opts)) as PodCluster;
}
