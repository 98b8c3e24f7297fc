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
import { messageOf } from "../../../core/records.ts";
import { hasCode } from "../../state/processes.ts";
import { NAMESPACE } from "../manifests/objects.ts";
import type { Content } from "./mounts.ts";

export interface KbsConfig extends KubernetesObject {
  readonly spec?: {
    readonly kbsSecretResources?: readonly string[];
    readonly KbsDeploymentSpec?: { readonly replicas?: number };
  };
  readonly status?: { readonly isReady?: boolean };
}

type Cache<T extends KubernetesObject> = ObjectCache<T> & Informer<T>;

/** Delay before a broken watch restarts. Milliseconds. */
const RECONNECT = 200;

const CUSTOM = "/apis/confidentialcontainers.org/v1alpha1";

/** The stand-ins' view of the cluster, kept up to date by watches, and their writes. */
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

  /** Starts the watches. A watch that breaks is restarted. */
  async start(): Promise<void> {
    for (const cache of [this.pods, this.configMaps, this.secrets, this.deployments, this.kbsConfigs]) {
      cache.on("error", (error: unknown) => {
        log(`a watch broke off: ${messageOf(error)}`);
        setTimeout(() => void begin(cache), RECONNECT);
      });
      await begin(cache);
    }
  }

  /** Reads a ConfigMap from the API server, not from the cache. */
  async readConfigMap(name: string): Promise<Content | undefined> {
    const object = await orMissing(this.core.readNamespacedConfigMap({ name, namespace: NAMESPACE }));
    if (object === undefined) return undefined;
    const text = Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const);
    const binary = Object.entries(object.binaryData ?? {}).map(
      ([key, value]) => [key, Buffer.from(value, "base64")] as const,
    );
    return new Map([...text, ...binary]);
  }

  /** Reads a Secret from the API server, not from the cache. */
  async readSecret(name: string): Promise<Content | undefined> {
    const object = await orMissing(this.core.readNamespacedSecret({ name, namespace: NAMESPACE }));
    if (object === undefined) return undefined;
    return new Map(
      Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64")]),
    );
  }

  /** Sets one condition of a pod's status. */
  async setPodCondition(pod: V1Pod, condition: Readonly<Record<string, string>>): Promise<void> {
    const { name, namespace } = nameOf(pod);
    await this.core.patchNamespacedPodStatus(
      { name, namespace, body: { status: { conditions: [condition] } } },
      setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch),
    );
  }

  /** Creates a warning event for a pod. `kubectl describe pod` shows it. */
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

  /** Applies a JSON patch. */
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

/** Starts a watch. Later failures arrive as `error` events; a failed start is retried here. */
async function begin(cache: Pick<Informer<KubernetesObject>, "start">): Promise<void> {
  try {
    await cache.start();
  } catch (error) {
    log(`a watch did not start: ${messageOf(error)}`);
    setTimeout(() => void begin(cache), RECONNECT);
  }
}

export function nameOf(object: KubernetesObject): { readonly name: string; readonly namespace: string } {
  return { name: object.metadata?.name ?? "", namespace: object.metadata?.namespace ?? "" };
}

/** Awaits a create call. It succeeds too if the object already exists. */
export async function ignoringExisting(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!hasCode(error, 409)) throw error;
  }
}

/** Awaits an API call. Returns undefined if the object does not exist. */
export async function orMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (hasCode(error, 404)) return undefined;
    throw error;
  }
}

/** Writes a line to the stand-ins' log. */
export function log(message: string): void {
  console.log(`${new Date().toISOString()} ${message}`);
}
