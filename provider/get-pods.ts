import { z } from "zod";
import { INITDATA_ANNOTATION } from "../core/initdata/annotation.ts";
import { strayNames } from "../core/initdata/annotation-names.ts";
import type { LivePod } from "../core/plan/live-pod.ts";
import type { PodCluster } from "../core/plan/pod-cluster.ts";
import { byString, defined } from "../core/records.ts";
import { workloadKinds } from "../core/settings/workload.ts";
import { markOf } from "../core/trustee/ownership.ts";
import type { KubeClient } from "../kube/client.ts";
import { KubeError, type Failure } from "../kube/errors.ts";
import type { KubeObject } from "../kube/objects.ts";
import type { PropertyMap } from "./protocol/index.ts";
import { functionArgs } from "./function-args.ts";

const podsSchema = z.object({
  pods: z.array(
    z.object({ id: z.string(), kind: z.enum(workloadKinds), namespace: z.string(), name: z.string() }),
  ),
});

const templateSchema = z.object({
  spec: z.object({
    template: z.object({
      metadata: z.object({ annotations: z.record(z.string(), z.string()).optional() }).optional(),
    }),
  }),
});

function livePod(object: KubeObject, isPod: boolean): LivePod {
  const template = isPod ? undefined : templateSchema.safeParse(object).data?.spec.template;
  const annotations = isPod ? object.metadata.annotations : template?.metadata?.annotations;
  const annotation = annotations?.[INITDATA_ANNOTATION];
  const strayAnnotations = strayNames(annotations ?? {});
  const { stack, identity } = markOf(object.metadata.annotations) ?? {};
  const stray = strayAnnotations.length === 0 ? undefined : strayAnnotations;
  return defined({ stack, identity, annotation, strayAnnotations: stray });
}

type Wanted = z.output<typeof podsSchema>["pods"][number];

/** From this many objects of a kind and namespace on, one list is cheaper than single reads. */
const LIST_FROM = 3;

function isThere(object: KubeObject | undefined): object is KubeObject {
  return object !== undefined && object.metadata.deletionTimestamp === undefined;
}

/** Reads the pods of one kind and namespace. */
async function readGroup(pods: readonly Wanted[], kube: KubeClient): Promise<readonly [string, LivePod][]> {
  const [first] = pods;
  if (first === undefined) return [];
  const { kind, namespace } = first;
  const objects =
    pods.length < LIST_FROM
      ? await Promise.all(pods.map(({ name }) => kube.get({ kind, namespace, name })))
      : await kube.list(kind, namespace);
  const byName = new Map(objects.filter(isThere).map((object) => [object.metadata.name, object]));
  return pods.flatMap(({ id, name }): [string, LivePod][] => {
    const object = byName.get(name);
    return object === undefined ? [] : [[id, livePod(object, kind === "Pod")]];
  });
}

/** Reads the initdata annotation and the owner mark of each object, by ID. Missing objects are left out. */
export async function getInitdata(args: PropertyMap, kube: KubeClient): Promise<PropertyMap> {
  const { pods } = functionArgs("getInitdata", podsSchema, args);
  const groups = Map.groupBy(pods, ({ kind, namespace }) => `${kind} ${namespace}`);
  const found = await Promise.all([...groups.values()].map((group) => readGroup(group, kube)));
  const asProperties = found.flat().map(([id, pod]) => [id, { ...pod }]);
  return { found: Object.fromEntries(asProperties) as PropertyMap };
}

const namespacesSchema = z.object({ namespaces: z.array(z.string()) });

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
  const { namespaces } = functionArgs("getPodCluster", namespacesSchema, args);
  const [closed, classes] = await Promise.all([
    Promise.all([...new Set(namespaces)].map(async (name) => closedNamespace(kube, name))),
    // An API server may lack the kind.
    tried(kube.list("RuntimeClass", undefined), ["forbidden", "not-found"]),
  ]);
  const names = classes?.map(({ metadata }) => metadata.name).sort(byString);
  const closedNamespaces = Object.fromEntries(closed.flat());
  return defined({ closedNamespaces, runtimeClasses: names }) satisfies PodCluster;
}
