import { shownName } from "../core/policy/shown-name.ts";
import { z } from "zod";
import { readEntries } from "../core/kbs-config/entries.ts";
import type { KubeClient } from "../kube/client.ts";
import type { KubeObject } from "../kube/objects.ts";
import { missingFiles } from "./rollout-files.ts";

const containerStatus = z.object({
  name: z.string(),
  state: z
    .object({
      waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
      terminated: z.object({ reason: z.string().optional(), exitCode: z.number().optional() }).optional(),
    })
    .optional(),
});
const podSchema = z.object({
  status: z.object({
    conditions: z
      .array(
        z.object({
          type: z.string(),
          status: z.string(),
          reason: z.string().optional(),
          message: z.string().optional(),
        }),
      )
      .default([]),
    initContainerStatuses: z.array(containerStatus).default([]),
    containerStatuses: z.array(containerStatus).default([]),
  }),
});
const eventSchema = z.object({
  type: z.string().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  involvedObject: z.object({ name: z.string().optional() }),
});

/** What keeps a pod from being Ready, a line each. */
function explainPod(pod: KubeObject): string[] {
  const parsed = podSchema.safeParse(pod);
  if (!parsed.success) return [];
  const { conditions, initContainerStatuses, containerStatuses } = parsed.data.status;
  const unscheduled = conditions
    .filter((condition) => condition.type === "PodScheduled" && condition.status === "False")
    .map(({ reason = "", message = "" }) =>
      `pod ${pod.metadata.name} is not scheduled: ${reason} ${message}`.trim(),
    );
  const waiting = [...initContainerStatuses, ...containerStatuses].flatMap(({ name, state }) => {
    if (state?.waiting !== undefined) {
      const { reason = "waiting", message = "" } = state.waiting;
      return [`pod ${pod.metadata.name}, container ${name}: ${reason} ${message}`.trim()];
    }
    if (state?.terminated !== undefined && state.terminated.exitCode !== 0) {
      return [`pod ${pod.metadata.name}, container ${name}: ended, ${state.terminated.reason ?? "Error"}`];
    }
    return [];
  });
  return [...unscheduled, ...waiting];
}

/** The Secrets that the Deployment's KbsConfig lists and that do not exist: the operator's reconcile stops at them. */
async function missingSecrets(kube: KubeClient, namespace: string, deployment: string): Promise<string[]> {
  const object = await kube.get({ kind: "Deployment", namespace, name: deployment });
  const owner = object?.metadata.ownerReferences?.find(({ kind }) => kind === "KbsConfig");
  if (owner === undefined) return [];
  const kbsConfig = await kube.get({ kind: "KbsConfig", namespace, name: owner.name });
  const spec = z.looseObject({}).catch({}).parse(kbsConfig?.["spec"]);
  const listed = readEntries(spec["kbsSecretResources"]);
  const found = await Promise.all(
    listed.map(async (name) =>
      (await kube.getMetadata({ kind: "Secret", namespace, name })) === undefined ? [name] : [],
    ),
  );
  return found
    .flat()
    .map(
      (name) =>
        `KbsConfig ${owner.name} lists Secret "${shownName(name)}", which does not exist: the operator cannot reconcile`,
    );
}

async function warnings(kube: KubeClient, namespace: string, names: ReadonlySet<string>): Promise<string[]> {
  const events = await kube.list("Event", namespace);
  const lines = events.flatMap((event) => {
    const parsed = eventSchema.safeParse(event);
    if (!parsed.success || parsed.data.type !== "Warning") return [];
    const { involvedObject, reason = "", message = "" } = parsed.data;
    return involvedObject.name !== undefined && names.has(involvedObject.name)
      ? [`event of ${involvedObject.name}: ${reason} ${message}`.trim()]
      : [];
  });
  return [...new Set(lines)].slice(-5);
}

/** Why a KBS does not come up, a line each. */
export interface Explanation {
  /** What it cannot start without and does not find: of these ConfigMaps, by what is in them now. */
  readonly files: readonly string[];
  readonly others: readonly string[];
}

/** Whatever can be found out within a few seconds about why the KBS does not come up; reads that fail say nothing. */
export async function explainRollout(
  kube: KubeClient,
  target: { readonly namespace: string; readonly deployment: string; readonly configMaps: readonly string[] },
  pods: ReadonlySet<string>,
): Promise<Explanation> {
  const { namespace, deployment, configMaps } = target;
  const nothing = (): string[] => [];
  const [files, secrets, ofPods, events] = await Promise.all([
    missingFiles(kube, namespace, deployment, configMaps).catch(nothing),
    missingSecrets(kube, namespace, deployment).catch(nothing),
    kube
      .list("Pod", namespace)
      .then((all) => all.filter((pod) => pods.has(pod.metadata.name)).flatMap(explainPod))
      .catch(nothing),
    warnings(kube, namespace, new Set([...pods, deployment])).catch(nothing),
  ]);
  return { files, others: [...secrets, ...ofPods, ...events] };
}
