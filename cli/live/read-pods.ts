import type { PodFacts } from "../audit/facts.ts";
import { INITDATA_ANNOTATION, MACHINE_TYPE_ANNOTATION } from "../../core/initdata/annotation.ts";
import { strayNames } from "../../core/initdata/annotation-names.ts";
import { byString, defined } from "../../core/records.ts";
import type { KubeClient } from "../../kube/client.ts";
import { KubeError } from "../../kube/errors.ts";
import type { KubeObject } from "../../kube/objects.ts";
import { UserError } from "../../core/issues.ts";
import { podNamespaces, type DeclaredPod } from "../audit/stack.ts";
import type { StackOutputs } from "../../core/plan/outputs.ts";
import { annotationWriter, podSpec, seconds, selectorOf, statusOf } from "./fields.ts";

/** The facts of a pod. */
function podFacts(pod: KubeObject): PodFacts {
  const { metadata } = pod;
  const { annotations = {} } = metadata;
  const { phase, podIP, ready } = statusOf(pod);
  const { runtimeClassName } = podSpec.parse(pod["spec"] ?? {});
  const strayAnnotations = strayNames(annotations);
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    createdAt: seconds(metadata.creationTimestamp),
    phase,
    ready,
    ...defined({
      address: podIP,
      annotation: annotations[INITDATA_ANNOTATION],
      strayAnnotations: strayAnnotations.length === 0 ? undefined : strayAnnotations,
      annotated: annotationWriter(metadata, INITDATA_ANNOTATION),
      machineType: annotations[MACHINE_TYPE_ANNOTATION],
      runtimeClass: runtimeClassName,
    }),
  };
}

/** The facts of the pods that have not ended. */
function livePods(pods: readonly KubeObject[]): readonly PodFacts[] {
  return pods.filter((pod) => !statusOf(pod).hasEnded).map(podFacts);
}

/**
 * The pods that have not ended and have an initdata annotation or a misspelt one, by namespace and name.
 * @param namespaces empty: all
 */
export async function readPods(
  kube: KubeClient,
  namespaces: readonly string[],
): Promise<readonly PodFacts[]> {
  const lists = await Promise.all(
    (namespaces.length === 0 ? [undefined] : namespaces).map(async (namespace) => {
      try {
        return await kube.list("Pod", namespace);
      } catch (error) {
        if (!(error instanceof KubeError) || error.failure !== "forbidden" || namespace !== undefined)
          throw error;
        throw new UserError(
          error.code,
          `${error.text} Or name the namespaces to check with --pods-namespace.`,
        );
      }
    }),
  );
  return livePods(lists.flat())
    .filter(({ annotation, strayAnnotations }) => (annotation ?? strayAnnotations) !== undefined)
    .toSorted((a, b) => byString(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`));
}

/** The checked pods, and their namespaces if these are not all. */
export interface SeenPods {
  /** `undefined`: not checked. */
  readonly pods: readonly PodFacts[] | undefined;
  readonly namespaces?: readonly string[];
}

/** The pods in the namespaces of a stack's pods, which its accounts may read. */
export async function readStackPods(kube: KubeClient, stack: Pick<StackOutputs, "pods">): Promise<SeenPods> {
  const namespaces = podNamespaces(stack);
  return namespaces.length === 0
    ? { pods: undefined }
    : { pods: await readPods(kube, namespaces), namespaces };
}

/** The running pods of a declared one: the pod itself or those of its controller, ready ones first. */
export async function runningPods(
  kube: KubeClient,
  { kind, namespace, name }: Omit<DeclaredPod, "id">,
): Promise<readonly PodFacts[]> {
  const object = await kube.get({ kind, namespace, name });
  if (object === undefined) return [];
  if (kind === "Pod") return [podFacts(object)];
  const labels = selectorOf(object);
  // An empty selector would match all pods.
  if (labels === "") return [];
  return livePods(await kube.list("Pod", namespace, labels)).toSorted(
    (a, b) => Number(b.ready) - Number(a.ready) || byString(a.name, b.name),
  );
}
