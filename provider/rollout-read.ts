import { z } from "zod";
import {
  CONFIG_MAP_VERSIONS_ANNOTATION,
  parseConfigMapVersions,
  RESTARTED_AT_ANNOTATION,
  type ChangedObject,
  type KbsDeployment,
  type KbsPod,
} from "../core/rollout/kbs-pods.ts";
import { isPulumi, lastOwnWrite } from "../core/rollout/own-writes.ts";
import { isLabelled } from "../core/trustee/ownership.ts";
import { FIELD_MANAGER, type KubeClient } from "../kube/client.ts";
import type { KubeObject, ObjectMeta } from "../kube/objects.ts";

const annotated = z.object({ annotations: z.record(z.string(), z.string()).optional() });

const secretName = z.object({ secretName: z.string().optional() });
const volume = z.object({
  secret: secretName.optional(),
  projected: z
    .object({
      sources: z.array(z.object({ secret: z.object({ name: z.string().optional() }).optional() })).optional(),
    })
    .optional(),
});

const deploymentSchema = z.object({
  spec: z.object({
    replicas: z.number().default(1),
    paused: z.boolean().default(false),
    selector: z.object({
      matchLabels: z.record(z.string(), z.string()).default({}),
      matchExpressions: z
        .array(z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).default([]) }))
        .default([]),
    }),
    template: z.object({
      metadata: annotated.default({}),
      spec: z.object({ volumes: z.array(volume).default([]) }),
    }),
  }),
  status: z
    .object({
      observedGeneration: z.number().default(0),
      replicas: z.number().default(0),
      updatedReplicas: z.number().default(0),
      availableReplicas: z.number().default(0),
    })
    .default({ observedGeneration: 0, replicas: 0, updatedReplicas: 0, availableReplicas: 0 }),
});

const podSchema = z.object({
  spec: z.object({ volumes: z.array(volume).default([]) }).default({ volumes: [] }),
  status: z
    .object({
      phase: z.string().optional(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    })
    .default({ conditions: [] }),
});

export interface KbsRollout {
  readonly deployment: KbsDeployment;
  readonly pods: readonly KbsPod[];
  /** Pod -> the Secrets that it mounts. Includes terminating pods, which still serve them. */
  readonly mounts: Readonly<Record<string, readonly string[]>>;
  /** Changes whenever something happens to the Deployment or its pods. */
  readonly fingerprint: string;
}

/** The Secrets that a pod or a pod template mounts. */
function mountedBy(volumes: readonly z.output<typeof volume>[]): readonly string[] {
  return volumes.flatMap(({ secret, projected }) => [
    ...(secret?.secretName === undefined ? [] : [secret.secretName]),
    ...(projected?.sources ?? []).flatMap((source) => source.secret?.name ?? []),
  ]);
}

/** An API server's timestamp in whole seconds since 1970. */
function seconds(time: string | undefined): number {
  return Math.floor(Date.parse(time ?? "") / 1000);
}

function labelSelector({
  matchLabels,
  matchExpressions,
}: z.output<typeof deploymentSchema>["spec"]["selector"]): string {
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const expressions = matchExpressions.map(({ key, operator, values }) => {
    switch (operator) {
      case "In":
        return `${key} in (${values.join(",")})`;
      case "NotIn":
        return `${key} notin (${values.join(",")})`;
      case "Exists":
        return key;
      default:
        return `!${key}`;
    }
  });
  return [...labels, ...expressions].join(",");
}

/** Whether the Deployment owns the pod. Matching labels alone are not enough. */
function belongsTo(deployment: string, pod: KubeObject): boolean {
  const hash = pod.metadata.labels?.["pod-template-hash"];
  return (pod.metadata.ownerReferences ?? []).some(
    ({ kind, name }) => kind === "ReplicaSet" && hash !== undefined && name === `${deployment}-${hash}`,
  );
}

function readPod(pod: KubeObject): KbsPod | undefined {
  const { status } = podSchema.parse(pod);
  if (status.phase === "Succeeded" || status.phase === "Failed") return undefined;
  const { metadata } = pod;
  return {
    name: metadata.name,
    uid: metadata.uid ?? metadata.name,
    createdAt: seconds(metadata.creationTimestamp),
    ready: status.conditions.some((condition) => condition.type === "Ready" && condition.status === "True"),
    terminating: metadata.deletionTimestamp !== undefined,
    configMapVersions: parseConfigMapVersions(metadata.annotations?.[CONFIG_MAP_VERSIONS_ANNOTATION]),
  };
}

/** Reads the Deployment and its pods. Returns `undefined` if the Deployment does not exist. */
export async function readRollout(
  kube: KubeClient,
  namespace: string,
  name: string,
): Promise<KbsRollout | undefined> {
  const object = await kube.get({ kind: "Deployment", namespace, name });
  if (object === undefined) return undefined;
  const { spec, status } = deploymentSchema.parse(object);
  const { annotations = {} } = spec.template.metadata;
  const all = await kube.list("Pod", namespace, labelSelector(spec.selector));
  const own = all.filter((pod) => belongsTo(name, pod));
  const pods = own.flatMap((pod) => readPod(pod) ?? []);
  const running = new Set(pods.map((pod) => pod.name));
  const mounts = own
    .filter(({ metadata }) => running.has(metadata.name))
    .map((pod) => [pod.metadata.name, mountedBy(podSchema.parse(pod).spec.volumes)] as const);
  const deployment: KbsDeployment = {
    generation: object.metadata.generation ?? 0,
    observedGeneration: status.observedGeneration,
    replicas: spec.replicas,
    currentReplicas: status.replicas,
    updatedReplicas: status.updatedReplicas,
    availableReplicas: status.availableReplicas,
    paused: spec.paused,
    mountedSecrets: mountedBy(spec.template.spec.volumes),
    configMapVersions: parseConfigMapVersions(annotations[CONFIG_MAP_VERSIONS_ANNOTATION]),
    restartedAt: annotations[RESTARTED_AT_ANNOTATION],
  };
  const fingerprint = JSON.stringify([deployment, pods.map((pod) => [pod.uid, pod.ready, pod.terminating])]);
  return { deployment, pods, mounts: Object.fromEntries(mounts), fingerprint };
}

/**
 * The time of the last write to an object, or `undefined` if the object does not exist.
 * @param whose `ours`: our own last write, no matter what others wrote later; `undefined` if we never wrote
 *   the object. This provider writes ConfigMaps. Pulumi's Kubernetes provider writes our Secrets, which carry
 *   our label
 */
export async function readChange(
  kube: KubeClient,
  namespace: string,
  { kind, name }: Pick<ChangedObject, "kind" | "name">,
  whose: "anybody's" | "ours",
): Promise<ChangedObject | undefined> {
  const metadata = await kube.getMetadata({ kind, namespace, name });
  if (metadata === undefined) return undefined;
  const changedAt = whose === "ours" ? ownWrite(kind, metadata) : lastWrite(metadata);
  if (changedAt === undefined) return undefined;
  return { kind, name, changedAt, resourceVersion: metadata.resourceVersion ?? "" };
}

function lastWrite({ managedFields = [], creationTimestamp }: ObjectMeta): number {
  const times = [creationTimestamp, ...managedFields.map((entry) => entry.time)];
  return Math.max(...times.map(seconds).filter((time) => !Number.isNaN(time)));
}

function ownWrite(kind: ChangedObject["kind"], metadata: ObjectMeta): number | undefined {
  const time = lastOwnWrite(metadata.managedFields, (manager) =>
    kind === "Secret" ? isLabelled(metadata.labels) && isPulumi(manager) : manager === FIELD_MANAGER,
  );
  return time === undefined ? undefined : seconds(time);
}
