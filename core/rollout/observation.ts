import { own } from "../records.ts";
/** An object whose last change every pod must see. */
export interface ChangedObject {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
  /** When it was last written, by the API server's clock: whole seconds since 1970. */
  readonly changedAt: number;
  readonly resourceVersion: string;
}

/** ConfigMap -> resourceVersion, as operators from v0.21 write it into the pod template. */
type ConfigMapVersions = Readonly<Record<string, string>>;

export interface ObservedPod {
  readonly name: string;
  readonly uid: string;
  /** By the API server's clock: whole seconds since 1970. */
  readonly createdAt: number;
  readonly ready: boolean;
  readonly terminating: boolean;
  /** The versions that the operator had seen when it made this pod's template. */
  readonly configMapVersions?: ConfigMapVersions | undefined;
}

export interface ObservedDeployment {
  readonly generation: number;
  readonly observedGeneration: number;
  /** As wanted by its spec. */
  readonly replicas: number;
  /** Pods that there are, of any template. */
  readonly currentReplicas: number;
  readonly updatedReplicas: number;
  readonly availableReplicas: number;
  readonly paused: boolean;
  /** Secrets that its pod template mounts. */
  readonly mountedSecrets: readonly string[];
  readonly configMapVersions?: ConfigMapVersions | undefined;
  /** The pod template's annotation kubectl.kubernetes.io/restartedAt. */
  readonly restartedAt?: string | undefined;
}

/** The annotation that operators from v0.21 keep on the pod template; they roll the Deployment when it changes. */
export const CONFIG_MAP_VERSIONS_ANNOTATION = "kbs.confidentialcontainers.org/configmap-versions";

/** What `kubectl rollout restart` writes. Operators from v0.21 remove it again within seconds. */
export const RESTARTED_AT_ANNOTATION = "kubectl.kubernetes.io/restartedAt";

/** `a:1216,b:1220` as a record; `undefined` if there is no such annotation. */
export function parseConfigMapVersions(annotation: string | undefined): ConfigMapVersions | undefined {
  if (annotation === undefined) return undefined;
  const pairs = annotation.split(",").flatMap((pair): [string, string][] => {
    const colon = pair.lastIndexOf(":");
    return colon <= 0 ? [] : [[pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()]];
  });
  return Object.fromEntries(pairs);
}

function isAtLeast(version: string | undefined, wanted: string): boolean {
  if (version === undefined) return false;
  if (version === wanted) return true;
  return /^\d+$/.test(version) && /^\d+$/.test(wanted) && BigInt(version) >= BigInt(wanted);
}

/** Whether the versions show the change or a later one. A Secret is never in them. */
export function showsChange(versions: ConfigMapVersions | undefined, change: ChangedObject): boolean {
  return change.kind === "ConfigMap" && isAtLeast(own(versions, change.name), change.resourceVersion);
}

/**
 * Whether a pod is sure to see every change: it is younger, or made from a template that names the changed version. Of
 * two things within the same second nobody knows which came first: that is no proof.
 */
export function seesAll(pod: ObservedPod, changes: readonly ChangedObject[]): boolean {
  return changes.every(
    (change) => pod.createdAt > change.changedAt || showsChange(pod.configMapVersions, change),
  );
}

/**
 * Whether a pod is sure not to see a change: it was made in an earlier second, from a template that does not name the changed
 * version.
 */
export function isOlder(pod: ObservedPod, change: ChangedObject): boolean {
  return pod.createdAt < change.changedAt && !showsChange(pod.configMapVersions, change);
}
