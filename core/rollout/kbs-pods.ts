import { own } from "../records.ts";
/** An object whose last change every pod must see. */
export interface ChangedObject {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
  /** When it was last written, on the API server's clock: whole seconds since 1970. */
  readonly changedAt: number;
  readonly resourceVersion: string;
}

/** ConfigMap -> resourceVersion, as operators from v0.21 write it into the pod template. */
type ConfigMapVersions = Readonly<Record<string, string>>;

export interface KbsPod {
  readonly name: string;
  readonly uid: string;
  /** On the API server's clock: whole seconds since 1970. */
  readonly createdAt: number;
  readonly ready: boolean;
  readonly terminating: boolean;
  /** The ConfigMap versions in the template of this pod. */
  readonly configMapVersions?: ConfigMapVersions | undefined;
}

export interface KbsDeployment {
  readonly generation: number;
  readonly observedGeneration: number;
  /** The desired number. */
  readonly replicas: number;
  /** All pods, of any template. */
  readonly currentReplicas: number;
  readonly updatedReplicas: number;
  readonly availableReplicas: number;
  readonly paused: boolean;
  /** The Secrets that the pod template mounts. */
  readonly mountedSecrets: readonly string[];
  readonly configMapVersions?: ConfigMapVersions | undefined;
  /** The pod template's annotation kubectl.kubernetes.io/restartedAt. */
  readonly restartedAt?: string | undefined;
}

/** The pod template annotation of operators from v0.21. They roll the Deployment when it changes. */
export const CONFIG_MAP_VERSIONS_ANNOTATION = "kbs.confidentialcontainers.org/configmap-versions";

/** The annotation that `kubectl rollout restart` writes. Operators from v0.21 remove it within seconds. */
export const RESTARTED_AT_ANNOTATION = "kubectl.kubernetes.io/restartedAt";

/** Parses `a:1216,b:1220`; `undefined` without an annotation. */
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

/** Whether the versions include the change or a later one. They never include a Secret. */
export function showsChange(versions: ConfigMapVersions | undefined, change: ChangedObject): boolean {
  return change.kind === "ConfigMap" && isAtLeast(own(versions, change.name), change.resourceVersion);
}

/**
 * Whether a pod is certain to see every change: it is younger, or its template has the changed version.
 * Events within the same second have no known order, so they prove nothing.
 */
export function seesAll(pod: KbsPod, changes: readonly ChangedObject[]): boolean {
  return changes.every(
    (change) => pod.createdAt > change.changedAt || showsChange(pod.configMapVersions, change),
  );
}

/**
 * Whether a pod is certain not to see a change: it was created in an earlier second, and its template does
 * not have the changed version.
 */
export function isOlder(pod: KbsPod, change: ChangedObject): boolean {
  return pod.createdAt < change.changedAt && !showsChange(pod.configMapVersions, change);
}
