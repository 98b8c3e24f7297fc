import { z } from "zod";
import type { PodCluster } from "../core/plan/pod-cluster.ts";
import { byString } from "../core/records.ts";
import type { KubeClient } from "../kube/client.ts";
import { KubeError, type Failure } from "../kube/errors.ts";
import type { PropertyMap } from "./protocol/index.ts";
import { functionArgs } from "./function-args.ts";

const argsSchema = z.object({ namespaces: z.array(z.string()) });

/** Returns `undefined` if the read fails in a tolerated way, for example without the right to read. */
async function tried<T>(read: Promise<T>, tolerated: readonly Failure[]): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof KubeError && tolerated.includes(error.failure)) return undefined;
    throw error;
  }
}

async function closedNamespace(
  kube: KubeClient,
  name: string,
): Promise<readonly [string, "missing" | "terminating"][]> {
  const read = kube.getMetadata({ kind: "Namespace", namespace: "", name }).then((found) => ({ found }));
  const answer = await tried(read, ["forbidden"]);
  if (answer === undefined) return [];
  if (answer.found === undefined) return [[name, "missing"]];
  return answer.found.deletionTimestamp === undefined ? [] : [[name, "terminating"]];
}

/** Reads what pods need in their cluster: the given namespaces, and RuntimeClasses. */
export async function getPodCluster(args: PropertyMap, kube: KubeClient): Promise<PropertyMap> {
  const { namespaces } = functionArgs("getPodCluster", argsSchema, args);
  const [closed, classes] = await Promise.all([
    Promise.all([...new Set(namespaces)].map(async (name) => closedNamespace(kube, name))),
    // An API server may lack the kind.
    tried(kube.list("RuntimeClass", undefined), ["forbidden", "not-found"]),
  ]);
  const names = classes?.map(({ metadata }) => metadata.name).sort(byString);
  return {
    closedNamespaces: Object.fromEntries(closed.flat()),
    ...(names === undefined ? {} : { runtimeClasses: names }),
  } satisfies PodCluster;
}
