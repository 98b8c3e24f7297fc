import type * as pulumi from "@pulumi/pulumi";
import type { LivePod } from "../../core/plan/live-pod.ts";
import type { PodDeclaration } from "../../core/settings/pod.ts";
import { invoke } from "./invoke.ts";

/** Pod -> the object of its name, kind and namespace that is in the cluster; those that are not there are left out. */
export async function getInitdata(
  pods: readonly PodDeclaration[],
  opts?: pulumi.InvokeOptions,
): Promise<Readonly<Record<string, LivePod>>> {
  const wanted = pods.map(({ id, kind, namespace, name }) => ({ id, kind, namespace, name }));
  const result = await invoke("trustee:index:getInitdata", { pods: wanted }, opts);
  return (result as { readonly found: Readonly<Record<string, LivePod>> }).found;
}
