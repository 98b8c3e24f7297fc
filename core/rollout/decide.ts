import {
  isOlder,
  seesAll,
  showsChange,
  type ChangedObject,
  type KbsDeployment,
  type KbsPod,
} from "./kbs-pods.ts";

/** The Deployment and its pods at one moment, and the steps taken so far. */
export interface RolloutView {
  readonly deployment: KbsDeployment;
  /** The Deployment's own pods, without those that have ended. */
  readonly pods: readonly KbsPod[];
  readonly changes: readonly ChangedObject[];
  /** The Secrets that every pod must mount. */
  readonly secrets: readonly string[];
  /** The API server's time: whole seconds since 1970. */
  readonly now: number;
  /** Seconds since the Deployment or its pods last changed. */
  readonly quietFor: number;
  /** Whether the restart annotation was written for these changes. */
  readonly annotated: boolean;
  /** The uids of the evicted pods. */
  readonly evicted: ReadonlySet<string>;
}

/** The next step. */
export type RolloutDecision =
  | { readonly kind: "done" }
  | { readonly kind: "wait"; readonly reason: string }
  /** Restart all pods by the template's annotation, like `kubectl rollout restart`. */
  | { readonly kind: "annotate" }
  /** Replace one pod. */
  | { readonly kind: "evict"; readonly pod: KbsPod }
  /** Waiting cannot help: somebody has paused its rollouts. */
  | { readonly kind: "paused" };

const wait = (reason: string): RolloutDecision => ({ kind: "wait", reason });

/** How many seconds the operator may take to act without a sign of progress. */
const OPERATOR_PATIENCE = 30;

/** The pods that run the new configuration and are Ready. */
export function podsDone(view: Pick<RolloutView, "pods" | "changes">): number {
  return view.pods.filter((pod) => !pod.terminating && pod.ready && seesAll(pod, view.changes)).length;
}

/** Whether the Deployment controller is done, as `kubectl rollout status` defines it. */
function isSettled({ deployment, pods }: Pick<RolloutView, "deployment" | "pods">): boolean {
  const { generation, observedGeneration, replicas } = deployment;
  return (
    observedGeneration >= generation &&
    deployment.updatedReplicas === replicas &&
    deployment.currentReplicas === replicas &&
    deployment.availableReplicas === replicas &&
    pods.filter((pod) => !pod.terminating).length === replicas
  );
}

/**
 * Decides the next step of a rollout. It ends when every pod is Ready and certain to see every change,
 * whatever caused that; a terminating one still answers, so it must see them too. No pod is restarted for a
 * change that it is certain to see, so an interrupted or repeated run restarts nothing twice.
 */
export function decideRollout(view: RolloutView, patience: number = OPERATOR_PATIENCE): RolloutDecision {
  const { deployment, changes } = view;
  const pods = view.pods.filter((pod) => !pod.terminating);
  const stale = pods.filter((pod) => !seesAll(pod, changes));
  const missing = view.secrets.filter((secret) => !deployment.mountedSecrets.includes(secret));
  const settled = isSettled(view);
  const quiet = view.quietFor >= patience;
  if (missing.length > 0) return wait(`the operator has not mounted ${list(missing)} yet`);
  if (settled && stale.length === 0 && pods.every((pod) => pod.ready)) {
    const ending = view.pods.find((pod) => !seesAll(pod, changes));
    return ending === undefined
      ? { kind: "done" }
      : wait(`${ending.name} runs the previous configuration, and is ending`);
  }
  if (deployment.paused) return { kind: "paused" };
  if (!settled && !(quiet && stale.length > 0)) return wait("its rollout is under way");
  if (stale.length === 0) return wait("not every pod is Ready");
  const newest = Math.max(...changes.map((change) => change.changedAt));
  if (view.now <= newest)
    return wait("pods created within this second cannot be distinguished from older ones");
  return restart(view, stale, quiet);
}

function restart(view: RolloutView, stale: readonly KbsPod[], quiet: boolean): RolloutDecision {
  const { deployment, changes } = view;
  const versions = deployment.configMapVersions;
  const operatorRolls = versions !== undefined;
  const behind = changes.filter((change) => change.kind === "ConfigMap" && !showsChange(versions, change));
  if (operatorRolls && behind.length > 0 && !quiet) {
    return wait(`the operator is about to roll it for ${list(behind.map(({ name }) => name))}`);
  }
  const since = Math.max(...changes.map((change) => change.changedAt)) * 1000;
  const restarted = view.annotated || Date.parse(deployment.restartedAt ?? "") > since;
  if (!operatorRolls && !restarted) return { kind: "annotate" };
  if (!operatorRolls && deployment.restartedAt !== undefined && !quiet) {
    return wait("its restart is under way");
  }
  const pod = stale.find(({ uid }) => !view.evicted.has(uid));
  return pod === undefined ? wait("evicted pods are ending") : { kind: "evict", pod };
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

/** Whether the operator has not mounted a required Secret although it had the time. */
export function isUnmounted({ deployment, secrets, quietFor }: RolloutView): boolean {
  return (
    quietFor >= OPERATOR_PATIENCE && secrets.some((secret) => !deployment.mountedSecrets.includes(secret))
  );
}

/** True if all pods run the current configuration and one does not become Ready: no restart helps. */
export function isStuck(view: Pick<RolloutView, "pods" | "changes" | "quietFor">): boolean {
  const { pods, changes, quietFor } = view;
  const staying = pods.filter((pod) => !pod.terminating);
  return (
    quietFor >= OPERATOR_PATIENCE &&
    staying.some((pod) => !pod.ready) &&
    staying.every((pod) => seesAll(pod, changes))
  );
}

/**
 * Our own changes that some KBS pod has certainly not seen: a run was killed between its write and the
 * rollout, or a repair was applied elsewhere. Nothing is certain during a rollout, or for a pod of the same
 * second as the change.
 */
export function unseenChanges(
  view: Pick<RolloutView, "deployment" | "pods">,
  ours: readonly ChangedObject[],
): readonly ChangedObject[] {
  if (!isSettled(view)) return [];
  const pods = view.pods.filter((pod) => !pod.terminating);
  return ours.filter((change) => pods.some((pod) => isOlder(pod, change)));
}

/** The finding for a preview; `undefined` if there is none. */
export function describeUnseen(unseen: readonly ChangedObject[]): string | undefined {
  if (unseen.length === 0) return undefined;
  const names = unseen.map(({ kind, name }) => `${kind} ${name}`);
  return `a KBS pod is older than the last write to ${names.join(", ")}`;
}

/** The Secrets that a Deployment's template and its pods mount. */
export interface Mounts {
  readonly deployment: Pick<
    KbsDeployment,
    "generation" | "observedGeneration" | "currentReplicas" | "updatedReplicas" | "mountedSecrets"
  >;
  /** Pod -> the Secrets that it mounts, for every pod that has not ended. */
  readonly mounts: Readonly<Record<string, readonly string[]>>;
}

/**
 * What may still serve any of these Secrets, one line each; empty: no KBS does or will. A terminating pod
 * still answers, and while pods of a previous template exist, another one may follow.
 */
export function stillServing({ deployment, mounts }: Mounts, secrets: readonly string[]): readonly string[] {
  const { generation, observedGeneration, currentReplicas, updatedReplicas } = deployment;
  const named = (mounted: readonly string[]): string =>
    list(secrets.filter((secret) => mounted.includes(secret)));
  const template = named(deployment.mountedSecrets);
  const pods = Object.entries(mounts).flatMap(([pod, mounted]) => {
    const found = named(mounted);
    return found === "" ? [] : [`pod ${pod} still mounts ${found}`];
  });
  const all = [...(template === "" ? [] : [`the operator still mounts ${template}`]), ...pods];
  if (all.length > 0) return all;
  return observedGeneration >= generation && currentReplicas === updatedReplicas
    ? []
    : ["its rollout is under way"];
}
