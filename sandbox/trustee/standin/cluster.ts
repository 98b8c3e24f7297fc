import {
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  type Informer,
  type KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  makeInformer,
  type ObjectCache,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Deployment,
  type V1Pod,
  type V1Secret,
} from "@kubernetes/client-node";
import { NAMESPACE } from "../manifests/objects.ts";
import type { Content } from "./mounts.ts";

export interface KbsConfig extends KubernetesObject {
  readonly spec?: {
    readonly kbsSecretResources?: readonly string[];
    readonly KbsDeploymentSpec?: { readonly replicas?: number };
  };
  readonly status?: { readonly isReady?: boolean };
}

export type Cache<T extends KubernetesObject> = ObjectCache<T> & Informer<T>;

/** Between a watch's end and its next start. Milliseconds. */
const RECONNECT = 200;

const CUSTOM = "/apis/confidentialcontainers.org/v1alpha1";

/** What the stand-ins see of the cluster, kept up to date by watches, and the few things they write. */
export class Cluster {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly pods: Cache<V1Pod>;
  readonly configMaps: Cache<V1ConfigMap>;
  readonly secrets: Cache<V1Secret>;
  readonly deployments: Cache<V1Deployment>;
  readonly kbsConfigs: Cache<KbsConfig>;
  readonly #custom: CustomObjectsApi;
  readonly #objects: KubernetesObjectApi;

  constructor(config: KubeConfig) {
    this.#custom = config.makeApiClient(CustomObjectsApi);
    this.#objects = KubernetesObjectApi.makeApiClient(config);
    this.core = config.makeApiClient(CoreV1Api);
    this.apps = config.makeApiClient(AppsV1Api);
    const namespaced = { namespace: NAMESPACE };
    this.pods = makeInformer(config, "/api/v1/pods", async () => this.core.listPodForAllNamespaces());
    this.configMaps = makeInformer(config, `/api/v1/namespaces/${NAMESPACE}/configmaps`, async () =>
      this.core.listNamespacedConfigMap(namespaced),
    );
    this.secrets = makeInformer(config, `/api/v1/namespaces/${NAMESPACE}/secrets`, async () =>
      this.core.listNamespacedSecret(namespaced),
    );
    this.deployments = makeInformer(config, `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`, async () =>
      this.apps.listNamespacedDeployment(namespaced),
    );
    this.kbsConfigs = makeInformer(config, `${CUSTOM}/namespaces/${NAMESPACE}/kbsconfigs`, async () =>
      this.#objects.list<KbsConfig>("confidentialcontainers.org/v1alpha1", "KbsConfig", NAMESPACE),
    );
  }

  /** Starts the watches, each again whenever it breaks off. */
  async start(): Promise<void> {
    for (const cache of [this.pods, this.configMaps, this.secrets, this.deployments, this.kbsConfigs]) {
      cache.on("error", (error: unknown) => {
        log(`a watch broke off: ${error instanceof Error ? error.message : String(error)}`);
        setTimeout(() => void begin(cache), RECONNECT);
      });
      await begin(cache);
    }
  }

  /** The content of a ConfigMap as it is now, read past the cache. */
  async readConfigMap(name: string): Promise<Content | undefined> {
    const object = await orMissing(this.core.readNamespacedConfigMap({ name, namespace: NAMESPACE }));
    if (object === undefined) return undefined;
    const text = Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const);
    const binary = Object.entries(object.binaryData ?? {}).map(
      ([key, value]) => [key, Buffer.from(value, "base64")] as const,
    );
    return new Map([...text, ...binary]);
  }

  /** The content of a Secret as it is now, read past the cache. */
  async readSecret(name: string): Promise<Content | undefined> {
    const object = await orMissing(this.core.readNamespacedSecret({ name, namespace: NAMESPACE }));
    if (object === undefined) return undefined;
    return new Map(
      Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64")]),
    );
  }

  /** Sets a condition of a pod's status, and leaves the others. */
  async setPodCondition(pod: V1Pod, condition: Readonly<Record<string, string>>): Promise<void> {
    const { name, namespace } = nameOf(pod);
    await this.core.patchNamespacedPodStatus(
      { name, namespace, body: { status: { conditions: [condition] } } },
      setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch),
    );
  }

  /** Tells of something that happened to a pod, as `kubectl describe pod` and `kubectl get events` show it. */
  async podEvent(pod: V1Pod, reason: string, message: string): Promise<void> {
    const { name, namespace } = nameOf(pod);
    const now = new Date().toISOString();
    const event: object = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { generateName: `${name}.`, namespace },
      involvedObject: { apiVersion: "v1", kind: "Pod", name, namespace, uid: pod.metadata?.uid ?? "" },
      reason,
      message,
      type: "Warning",
      source: { component: "kubelet", host: pod.spec?.nodeName ?? "" },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    await this.#objects.create(event);
  }

  /** Replaces fields of an object by JSON patch. */
  async replace(
    apiPath: "kbsConfig" | "kbsConfigStatus" | "deployment",
    name: string,
    patch: readonly object[],
  ): Promise<void> {
    const json = setHeaderOptions("Content-Type", PatchStrategy.JsonPatch);
    if (apiPath === "deployment") {
      await this.apps.patchNamespacedDeployment({ name, namespace: NAMESPACE, body: patch }, json);
      return;
    }
    const target = {
      group: "confidentialcontainers.org",
      version: "v1alpha1",
      plural: "kbsconfigs",
      namespace: NAMESPACE,
      name,
      body: patch,
    };
    if (apiPath === "kbsConfig") await this.#custom.patchNamespacedCustomObject(target, json);
    else await this.#custom.patchNamespacedCustomObjectStatus(target, json);
  }
}

/** Starts a watch. Its failures come by its `error` event, but for those that keep it from listening at all. */
async function begin(cache: Pick<Informer<KubernetesObject>, "start">): Promise<void> {
  try {
    await cache.start();
  } catch (error) {
    log(`a watch did not start: ${error instanceof Error ? error.message : String(error)}`);
    setTimeout(() => void begin(cache), RECONNECT);
  }
}

/** A pod's name and namespace, which every object from the API server has. */
export function nameOf(object: KubernetesObject): { readonly name: string; readonly namespace: string } {
  return { name: object.metadata?.name ?? "", namespace: object.metadata?.namespace ?? "" };
}

/** Whether an API call failed with that HTTP status. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof Error && "code" in error && error.code === status;
}

/** Waits for the creation of an object that may be there already. */
export async function ignoringExisting(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!hasStatus(error, 409)) throw error;
  }
}

/** What an API call answers, or undefined where there is no such object. */
export async function orMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

/** One line of the stand-ins' own log. */
export function log(message: string): void {
  console.log(`${new Date().toISOString()} ${message}`);
}
