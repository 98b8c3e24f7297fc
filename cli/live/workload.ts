import type { PodFacts } from "../audit/facts.ts";
import { byString } from "../../core/records.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { DeclaredPod } from "../commands/stack.ts";
import { podFacts } from "./read-pods.ts";
import { workloadSpec } from "./shapes.ts";

/** The pods that run for a declared one: itself, or those that its controller has made, the ready ones first. */
export async function runningPods(
  kube: KubeClient,
  { kind, namespace, name }: Omit<DeclaredPod, "id">,
): Promise<readonly PodFacts[]> {
  const object = await kube.get({ kind, namespace, name });
  if (object === undefined) return [];
  if (kind === "Pod") return [podFacts(object)];
  const { selector } = workloadSpec.parse(object["spec"]);
  const labels = Object.entries(selector.matchLabels).map(([key, value]) => `${key}=${value}`);
  // Without labels, the list would be of all pods.
  if (labels.length === 0) return [];
  const pods = (await kube.list("Pod", namespace, labels.join(","))).map(podFacts);
  return pods
    .filter(({ phase }) => phase !== "Succeeded" && phase !== "Failed")
    .sort((a, b) => Number(b.ready) - Number(a.ready) || byString(a.name, b.name));
}
