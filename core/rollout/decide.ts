import {
  seesAll,
  showsChange,
  type ChangedObject,
  type ObservedDeployment,
  type ObservedPod,
} from "./observation.ts";

/** The Deployment with its pods at one moment, and what has been done so far. */
export interface RolloutView {
  readonly deployment: ObservedDeployment;
  /** The Deployment's own pods; those that have ended are left out. */
  readonly pods: readonly ObservedPod[];
  readonly changes: readonly ChangedObject[];
  /** Secrets that every pod must have mounted. */
  readonly secrets: readonly string[];
  /** The API server's clock: whole seconds since 1970. */
  readonly now: number;
  /** For how many seconds nothing about the Deployment or its pods has changed. */
  readonly quietFor: number;
  /** Whether the restart annotation was written for these changes. */
  readonly annotated: boolean;
  /** The uids of the pods whose eviction was granted. */
  readonly evicted: ReadonlySet<string>;
}

/** What to do next. */
export type RolloutDecision =
  | { readonly kind: "done" }
  | { readonly kind: "wait"; readonly reason: string }
  /** Restart all pods by the template's annotation, as `kubectl rollout restart` does. */
  | { readonly kind: "annotate" }
  /** Have one pod replaced. */
  | { readonly kind: "evict"; readonly pod: ObservedPod }
  /** Waiting cannot help. */
  | { readonly kind: "fail"; readonly reason: string };

/** For how many seconds the operator is given the chance to act by itself, without a sign that it does. */
export const OPERATOR_PATIENCE = 30;

/** Pods that run the new configuration and are Ready. */
export function podsDone(view: Pick<RolloutView, "pods" | "changes">): number {
  return view.pods.filter((pod) => !pod.terminating && pod.ready && seesAll(pod, view.changes)).length;
}

/** Whether the Deployment controller has nothing left to do: as `kubectl rollout status` sees it. */
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
 * Decides on the next step of a rollout that has to end with every pod Ready and sure to see every change, whoever
 * brings that about. A pod is never made to go for a change that it is sure to see, so a run that was interrupted, or
 * a second one, restarts nothing that was restarted already.
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
    return { kind: "wait", reason: "pods made within this second could not be told from older ones" };
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
