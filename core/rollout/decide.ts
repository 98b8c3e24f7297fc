import {
  seesAll,
  showsChange,
  type ChangedObject,
  type ObservedDeployment,
  type ObservedPod,
} from "./observation.ts";

/** The Deployment and its pods at one moment, and the steps taken so far. */
export interface RolloutView {
  readonly deployment: ObservedDeployment;
  /** The Deployment's own pods, without those that have ended. */
  readonly pods: readonly ObservedPod[];
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
  | { readonly kind: "evict"; readonly pod: ObservedPod }
  /** Waiting cannot help. */
  | { readonly kind: "fail"; readonly reason: string };

/** How many seconds the operator may take to act without a sign of progress. */
export const OPERATOR_PATIENCE = 30;

/** The pods that run the new configuration and are Ready. */
export function podsDone(view: Pick<RolloutView, "pods" | "changes">): number {
  return view.pods.filter((pod) => !pod.terminating && pod.ready && seesAll(pod, view.changes)).length;
}

/** Whether the Deployment controller is done, as `kubectl rollout status` defines it. */
export function isSettled({ deployment, pods }: Pick<RolloutView, "deployment" | "pods">): boolean {
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
 * whatever caused that. No pod is restarted for a change that it is certain to see, so an interrupted or
 * repeated run restarts nothing twice.
 */
export function decideRollout(view: RolloutView, patience: number = OPERATOR_PATIENCE): RolloutDecision {
  const { deployment, changes } = view;
  const pods = view.pods.filter((pod) => !pod.terminating);
  const stale = pods.filter((pod) => !seesAll(pod, changes));
  const missing = view.secrets.filter((secret) => !deployment.mountedSecrets.includes(secret));
  const settled = isSettled(view);
  const quiet = view.quietFor >= patience;
  if (missing.length > 0) {
    return { kind: "wait", reason: `the operator has not mounted ${list(missing)} yet` };
  }
  if (settled && stale.length === 0 && pods.every((pod) => pod.ready)) return { kind: "done" };
  if (deployment.paused) {
    return {
      kind: "fail",
      reason: "its rollouts are paused; resume them: kubectl rollout resume deployment",
    };
  }
  if (!settled && !(quiet && stale.length > 0)) return { kind: "wait", reason: "its rollout is under way" };
  if (stale.length === 0) return { kind: "wait", reason: "not every pod is Ready" };
  const newest = Math.max(...changes.map((change) => change.changedAt));
  if (view.now <= newest)
    return {
      kind: "wait",
      reason: "pods created within this second cannot be distinguished from older ones",
    };
  return restart(view, stale, quiet);
}

function restart(view: RolloutView, stale: readonly ObservedPod[], quiet: boolean): RolloutDecision {
  const { deployment, changes } = view;
  const versions = deployment.configMapVersions;
  const operatorRolls = versions !== undefined;
  const behind = changes.filter((change) => change.kind === "ConfigMap" && !showsChange(versions, change));
  if (operatorRolls && behind.length > 0 && !quiet) {
    return {
      kind: "wait",
      reason: `the operator is about to roll it for ${list(behind.map(({ name }) => name))}`,
    };
  }
  const since = Math.max(...changes.map((change) => change.changedAt)) * 1000;
  const restarted = view.annotated || Date.parse(deployment.restartedAt ?? "") > since;
  if (!operatorRolls && !restarted) return { kind: "annotate" };
  if (!operatorRolls && deployment.restartedAt !== undefined && !quiet) {
    return { kind: "wait", reason: "its restart is under way" };
  }
  const pod = stale.find(({ uid }) => !view.evicted.has(uid));
  return pod === undefined ? { kind: "wait", reason: "evicted pods are ending" } : { kind: "evict", pod };
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}
