import { z } from "zod";
import { lastWriter } from "../../kube/managed-fields.ts";
import type { KubeObject, ObjectMeta } from "../../kube/objects.ts";

/** The fields of the API server's objects that the facts need. */

const labels = z.record(z.string(), z.string()).default({});

export const kbsConfigSpec = z.looseObject({
  kbsSecretResources: z.unknown().optional(),
  kbsAttestationPolicyConfigMapName: z.string().optional(),
});

const workload = z.object({ spec: z.object({ selector: z.object({ matchLabels: labels }).prefault({}) }) });

/** The label selector of a workload, for a list request; empty if it has no labels. */
export function selectorOf(object: KubeObject): string {
  return labelSelector(workload.parse(object).spec.selector.matchLabels);
}

export function labelSelector(matchLabels: Readonly<Record<string, string>>): string {
  return Object.entries(matchLabels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

export const podSpec = z.looseObject({ runtimeClassName: z.string().optional() });

const podStatus = z
  .looseObject({
    phase: z.string().default("Unknown"),
    podIP: z.string().optional(),
    conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).default([]),
  })
  .prefault({});

/** The status of a pod. */
export function statusOf(pod: KubeObject) {
  const { phase, podIP, conditions } = podStatus.parse(pod["status"]);
  const ready = conditions.some(({ type, status }) => type === "Ready" && status === "True");
  return { phase, podIP, ready, hasEnded: phase === "Succeeded" || phase === "Failed" };
}

/** An API server's time in whole seconds since 1970; NaN: no time. */
export function seconds(time: string | undefined): number {
  return Math.floor(Date.parse(time ?? "") / 1000);
}

/** The time of the object's last write, or of its creation. */
export function lastWritten(metadata: ObjectMeta): number {
  const times = [metadata.creationTimestamp, ...(metadata.managedFields ?? []).map(({ time }) => time)]
    .map(seconds)
    .filter((time) => !Number.isNaN(time));
  return times.length === 0 ? 0 : Math.max(...times);
}

/** The last writer of an annotation. */
export function annotationWriter(metadata: ObjectMeta, annotation: string): ReturnType<typeof lastWriter> {
  return lastWriter(metadata, ["metadata", "annotations", annotation]);
}
