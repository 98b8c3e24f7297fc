import type { ChangedObject, ObservedDeployment, ObservedPod } from "../../../core/rollout/observation.ts";

/** A ConfigMap that was changed at second 100. */
export const policy: ChangedObject = {
  kind: "ConfigMap",
  name: "policy",
  changedAt: 100,
  resourceVersion: "50",
};

/** A Ready pod that was created at this second. */
export function pod(createdAt: number, more: Partial<ObservedPod> = {}): ObservedPod {
  return {
    name: `pod-${createdAt}`,
    uid: `uid-${createdAt}`,
    createdAt,
    ready: true,
    terminating: false,
    ...more,
  };
}

/** A Deployment with nothing in progress. */
export function settled(replicas: number, more: Partial<ObservedDeployment> = {}): ObservedDeployment {
  return {
    generation: 3,
    observedGeneration: 3,
    replicas,
    currentReplicas: replicas,
    updatedReplicas: replicas,
    availableReplicas: replicas,
    paused: false,
    mountedSecrets: [],
    ...more,
  };
}
