import { z } from "zod";
import { readEntries } from "../core/kbs-config/entries.ts";
import { volumeProblem } from "../core/kbs-config/volume-names.ts";
import { shownLine, shownName } from "../core/shown.ts";
import { own as member } from "../core/records.ts";
import { knownKeys } from "../core/trustee/generation.ts";
import { POLICY_PATHS } from "../core/trustee/kbs-settings.ts";
import { mountsOfMap, podTemplateOf, type MapMounts } from "../core/trustee/mounts.ts";
import type { KubeClient } from "../kube/client.ts";
import type { KubeObject } from "../kube/objects.ts";

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
});
const containerStatus = z.object({
  name: z.string(),
  restartCount: z.number().default(0),
  state: z
    .object({
      waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
      terminated: z.object({ reason: z.string().optional(), exitCode: z.number().optional() }).optional(),
    })
    .optional(),
});
const podSchema = z.object({
  status: z.object({
    conditions: z.array(condition).default([]),
    initContainerStatuses: z.array(containerStatus).default([]),
    containerStatuses: z.array(containerStatus).default([]),
  }),
});
const deploymentSchema = z.object({ status: z.object({ conditions: z.array(condition).default([]) }) });
const eventSchema = z.object({
  type: z.string().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  involvedObject: z.object({ kind: z.string().optional(), name: z.string().optional() }),
});

/** Why a pod is not Ready, one line per reason. */
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
  return [...endingPod(pod), ...unscheduled, ...waiting];
}

function endingPod({ metadata: { name, namespace = "", deletionTimestamp } }: KubeObject): string[] {
  if (deletionTimestamp === undefined) return [];
  return [
    `pod ${name} has not ended, although it was deleted: it may answer with the previous configuration. If its node is lost and switched off: kubectl delete pod ${name} -n ${namespace} --force`,
  ];
}

/** The Deployment's failed conditions: a pod could not be created, or the progress deadline has passed. */
function explainDeployment(deployment: KubeObject | undefined): string[] {
  const parsed = deploymentSchema.safeParse(deployment);
  if (!parsed.success) return [];
  const bad = new Map([
    ["ReplicaFailure", "True"],
    ["Progressing", "False"],
  ]);
  return parsed.data.status.conditions
    .filter(({ type, status }) => bad.get(type) === status)
    .map(({ type, reason = "", message = "" }) => `Deployment, ${type}: ${reason} ${message}`.trim());
}

/** The last log lines of each container that has failed or keeps restarting. */
async function logsOf(kube: KubeClient, namespace: string, pod: KubeObject): Promise<string[]> {
  const parsed = podSchema.safeParse(pod);
  if (!parsed.success) return [];
  const { initContainerStatuses, containerStatuses } = parsed.data.status;
  const ended = [...initContainerStatuses, ...containerStatuses].filter(
    ({ state, restartCount }) =>
      (state?.terminated !== undefined && state.terminated.exitCode !== 0) ||
      (state?.waiting !== undefined && restartCount > 0),
  );
  const { name } = pod.metadata;
  const logs = await Promise.all(
    ended.map(async (container) => {
      const previous = container.state?.waiting !== undefined;
      const limits = { tailLines: 5, limitBytes: 4096, previous };
      const text = await kube.logTail(namespace, name, container.name, limits).catch(() => "");
      const lines = text.split("\n").filter((line) => line.trim() !== "");
      return lines.slice(-3).map((line) => `log of ${name}, ${container.name}: ${line.slice(0, 300)}`);
    }),
  );
  return logs.flat();
}

/** The Secrets in the KbsConfig that stop the operator's reconcile: they are missing or cannot be mounted. */
async function unmountable(kube: KubeClient, namespace: string, kbsConfig: string): Promise<string[]> {
  const object = await kube.get({ kind: "KbsConfig", namespace, name: kbsConfig });
  const spec = z.looseObject({}).catch({}).parse(object?.["spec"]);
  const found = await Promise.all(
    readEntries(spec["kbsSecretResources"], { name: kbsConfig, namespace }).map(async (name) => {
      const problem = volumeProblem(name);
      if (problem !== undefined)
        return [
          `"${shownName(name)}", which ${problem}: the API server refuses a volume of that name, so it refuses every write of the operator`,
        ];
      const exists = (await kube.getMetadata({ kind: "Secret", namespace, name })) !== undefined;
      return exists ? [] : [`"${shownName(name)}", which does not exist: the operator cannot reconcile`];
    }),
  );
  return found.flat().map((words) => `KbsConfig ${kbsConfig} lists Secret ${words}`);
}

/** @param isRelevant selects events by the kind and the name of their object */
async function warnings(
  kube: KubeClient,
  namespace: string,
  isRelevant: (kind: string, name: string) => boolean,
): Promise<string[]> {
  const events = await kube.list("Event", namespace);
  const lines = events.flatMap((event) => {
    const parsed = eventSchema.safeParse(event);
    if (!parsed.success || parsed.data.type !== "Warning") return [];
    const { involvedObject, reason = "", message = "" } = parsed.data;
    const { kind = "", name } = involvedObject;
    return name !== undefined && isRelevant(kind, name)
      ? [`event of ${name}: ${reason} ${message}`.trim()]
      : [];
  });
  return [...new Set(lines)].slice(-5);
}

const keyed = z.record(z.string(), z.unknown()).nullish().catch(undefined);

function missingIn(configMap: string, live: KubeObject | undefined, mounted: MapMounts): string[] {
  if (mounted.keys.length === 0 && mounted.folders.length === 0) return [];
  if (live === undefined) return [`there is no ConfigMap "${configMap}", which the KBS mounts`];
  const keys = new Set(
    ["data", "binaryData"].flatMap((field) => Object.keys(keyed.parse(member(live, field)) ?? {})),
  );
  const files = mounted.keys
    .filter((file) => !keys.has(file))
    .map((file) => `ConfigMap "${configMap}" has no key "${file}", which the KBS mounts as a file`);
  // A KBS without a policy in the folder tries to write its own. The folder is read-only, so the KBS exits.
  const policies = knownKeys.policy;
  const isPolicy = mounted.folders.some((folder) =>
    POLICY_PATHS.some((path) => path.startsWith(`${folder}/`)),
  );
  return isPolicy && !policies.some((key) => keys.has(key))
    ? [
        ...files,
        `ConfigMap "${configMap}" has none of the keys ${policies.map((name) => `"${name}"`).join(", ")}; without one of them, the KBS does not start`,
      ]
    : files;
}

/**
 * The files that the KBS needs to start and that these ConfigMaps lack, one line each. Waiting does not help.
 * @throws KubeError if an object cannot be read
 */
async function missingFiles(
  kube: KubeClient,
  namespace: string,
  deployment: string,
  configMaps: readonly string[],
): Promise<readonly string[]> {
  const [object, ...maps] = await Promise.all([
    kube.get({ kind: "Deployment", namespace, name: deployment }),
    ...configMaps.map((name) => kube.get({ kind: "ConfigMap", namespace, name })),
  ]);
  const template = podTemplateOf(object);
  if (template === undefined) return [];
  return configMaps.flatMap((name, index) => missingIn(name, maps[index], mountsOfMap(template, name)));
}

/** The longest line of a reason, in characters. Kubernetes limits an event's message to 1,024. */
const LONGEST = 1_400;

/** The setting with the time that a rollout may take. */
export const TIMEOUT_SETTING = "trustee.rolloutTimeoutMinutes";

/** Why a rollout cannot go on, and what to do. */
export function pausedWords(target: { readonly namespace: string; readonly deployment: string }): string {
  return `its rollouts are paused; resume them: kubectl rollout resume deployment ${target.deployment} -n ${target.namespace}`;
}

/** Why the KBS does not start, one line per reason. */
export interface Explanation {
  /** Files that the KBS needs to start and that these ConfigMaps lack. */
  readonly files: readonly string[];
  readonly others: readonly string[];
}

/**
 * Collects reasons why the KBS does not start, one safe line each: others write the events, the conditions and the
 * log. Failed reads are ignored.
 */
export async function explainRollout(
  kube: KubeClient,
  target: { readonly namespace: string; readonly deployment: string; readonly configMaps: readonly string[] },
  pods: ReadonlySet<string>,
): Promise<Explanation> {
  const { namespace, deployment, configMaps } = target;
  const nothing = (): string[] => [];
  const object = await kube.get({ kind: "Deployment", namespace, name: deployment }).catch(() => undefined);
  const kbsConfig = object?.metadata.ownerReferences?.find(({ kind }) => kind === "KbsConfig")?.name;
  const isRelevant = (kind: string, name: string): boolean =>
    pods.has(name) ||
    name === deployment ||
    (kind === "KbsConfig" && name === kbsConfig) ||
    (kind === "ReplicaSet" && name.startsWith(`${deployment}-`));
  const own = kube
    .list("Pod", namespace)
    .then((all) => all.filter((pod) => pods.has(pod.metadata.name)))
    .catch((): KubeObject[] => []);
  const [files, secrets, ofPods, events, logs] = await Promise.all([
    missingFiles(kube, namespace, deployment, configMaps).catch(nothing),
    kbsConfig === undefined ? [] : unmountable(kube, namespace, kbsConfig).catch(nothing),
    own.then((all) => all.flatMap(explainPod)),
    warnings(kube, namespace, isRelevant).catch(nothing),
    own.then((all) => Promise.all(all.map((pod) => logsOf(kube, namespace, pod)))),
  ]);
  const others = [...secrets, ...explainDeployment(object), ...ofPods, ...events, ...logs.flat()];
  return { files: files.map(shownLine), others: others.map((line) => shownLine(line.slice(0, LONGEST))) };
}
