import type { PodFacts } from "../audit/facts.ts";
import { INITDATA_ANNOTATION, MACHINE_TYPE_ANNOTATION } from "../../core/initdata/annotation.ts";
import { strayNames } from "../../core/initdata/annotation-names.ts";
import { byString } from "../../core/records.ts";
import type { KubeClient } from "../../kube/client.ts";
import { KubeError } from "../../kube/errors.ts";
import type { KubeObject } from "../../kube/objects.ts";
import { UsageError } from "../commands/run.ts";
import { podNamespaces, type DeclaredPod } from "../commands/stack.ts";
import type { StackOutputs } from "../../core/outputs.ts";
import { podSpec, podStatus, workloadSpec } from "./shapes.ts";
import { annotationWriter, seconds } from "./written.ts";

/** The facts of a pod. */
function podFacts(pod: KubeObject): PodFacts {
  const { metadata } = pod;
  const { phase, podIP, conditions } = podStatus.parse(pod["status"]);
  const { runtimeClassName } = podSpec.parse(pod["spec"] ?? {});
  const annotation = metadata.annotations?.[INITDATA_ANNOTATION];
  const strayAnnotations = strayNames(metadata.annotations ?? {});
  const machineType = metadata.annotations?.[MACHINE_TYPE_ANNOTATION];
  const annotated = annotationWriter(metadata, INITDATA_ANNOTATION);
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    createdAt: seconds(metadata.creationTimestamp),
    phase,
    ready: conditions.some(({ type, status }) => type === "Ready" && status === "True"),
    ...(podIP === undefined ? {} : { address: podIP }),
    ...(annotation === undefined ? {} : { annotation }),
    ...(strayAnnotations.length === 0 ? {} : { strayAnnotations }),
    ...(annotated === undefined ? {} : { annotated }),
    ...(machineType === undefined ? {} : { machineType }),
    ...(runtimeClassName === undefined ? {} : { runtimeClass: runtimeClassName }),
  };
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
        throw new UsageError(`${error.message} Or name the namespaces to check with --pods-namespace.`);
      }
    }),
  );
  return lists
    .flat()
    .map(podFacts)
    .filter(
      ({ annotation, strayAnnotations, phase }) =>
        (annotation !== undefined || strayAnnotations !== undefined) &&
        phase !== "Succeeded" &&
        phase !== "Failed",
    )
    .sort((a, b) => byString(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`));
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
  const { selector } = workloadSpec.parse(object["spec"]);
  const labels = Object.entries(selector.matchLabels).map(([key, value]) => `${key}=${value}`);
  // An empty selector would match all pods.
  if (labels.length === 0) return [];
  const pods = (await kube.list("Pod", namespace, labels.join(","))).map(podFacts);
  return pods
    .filter(({ phase }) => phase !== "Succeeded" && phase !== "Failed")
    .sort((a, b) => Number(b.ready) - Number(a.ready) || byString(a.name, b.name));
}
