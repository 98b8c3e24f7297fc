import {
  CoreV1Api,
  KubernetesObjectApi,
  PatchStrategy,
  createConfiguration,
  ServerConfiguration,
  type KubeConfig,
  type KubernetesObject,
  type Middleware,
  V1Eviction,
  V1ObjectMeta,
} from "@kubernetes/client-node";
import { toKubeError, type Request } from "./errors.ts";
import { withRetries } from "./retry.ts";

/** One request's patience: an API server that says nothing for this long is unreachable. Milliseconds. */
const REQUEST_TIMEOUT = 20_000;

/** The kinds that are read or written here, with the resource that RBAC knows them by. */
export const kinds = {
  ConfigMap: { apiVersion: "v1", resource: "configmaps" },
  Secret: { apiVersion: "v1", resource: "secrets" },
  Pod: { apiVersion: "v1", resource: "pods" },
  Deployment: { apiVersion: "apps/v1", resource: "deployments.apps" },
  KbsConfig: {
    apiVersion: "confidentialcontainers.org/v1alpha1",
    resource: "kbsconfigs.confidentialcontainers.org",
  },
  Route: { apiVersion: "route.openshift.io/v1", resource: "routes.route.openshift.io" },
} as const;
export type Kind = keyof typeof kinds;

/** An object as the API server gave it; the caller knows, or validates, its shape. */
export type KubeObject = KubernetesObject & Readonly<Record<string, unknown>>;

export interface ObjectRef {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

/**
 * A thin client: the calls that this project needs, each with retries for what passes by itself, a timeout, an abort
 * signal, and errors that name verb and resource.
 */
export class KubeClient {
  readonly #objects: KubernetesObjectApi;
  readonly #core: CoreV1Api;
  readonly #signal: AbortSignal;
  #serverTime: Date | undefined;

  /** @param signal ends every request and every wait between tries */
  constructor(config: KubeConfig, signal: AbortSignal) {
    this.#signal = signal;
    const middleware: Middleware = observe(signal, (date) => {
      this.#serverTime = date;
    });
    const server = config.getCurrentCluster()?.server ?? "";
    const configuration = createConfiguration({
      baseServer: new ServerConfiguration(server, {}),
      authMethods: { default: config },
      promiseMiddleware: [middleware],
    });
    this.#objects = new KubernetesObjectApi(configuration);
    this.#core = new CoreV1Api(configuration);
  }

  /** The API server's clock at its last answer, by its Date header: the clock that stamps the objects. */
  get serverTime(): Date | undefined {
    return this.#serverTime;
  }

  /** The object, or `undefined` where there is none (or its kind is not installed). */
  async get(ref: ObjectRef): Promise<KubeObject | undefined> {
    try {
      return await this.#call(
        { verb: "get", ...about(ref) },
        async () => this.#objects.read<KubeObject>(header(ref)),
      );
    } catch (error) {
      const missing = toKubeError(error, { verb: "get", ...about(ref) }, this.#signal);
      if (missing.failure === "not-found" || isUnknownKind(missing.detail)) return undefined;
      throw missing;
    }
  }

  async list(kind: Kind, namespace: string, labelSelector?: string): Promise<readonly KubeObject[]> {
    const { apiVersion, resource } = kinds[kind];
    return this.#call({ verb: "list", resource, namespace }, async () => {
      const list = await this.#objects.list(
        apiVersion,
        kind,
        namespace,
        undefined,
        undefined,
        undefined,
        undefined,
        labelSelector,
      );
      return list.items as unknown as KubeObject[];
    });
  }

  /**
   * A JSON merge patch: only what it names is written, everybody else's fields stay.
   * @param resourceVersion the version the patch builds on; another one live is the failure `conflict`
   */
  async patch(
    ref: ObjectRef,
    patch: Readonly<Record<string, unknown>>,
    resourceVersion?: string,
  ): Promise<KubeObject> {
    const metadata = { ...(patch["metadata"] ?? {}), namespace: ref.namespace, name: ref.name };
    const body = {
      ...patch,
      ...header(ref),
      metadata: resourceVersion === undefined ? metadata : { ...metadata, resourceVersion },
    };
    return this.#call({ verb: "patch", ...about(ref) }, async () => {
      const done = await this.#objects.patch(
        body,
        undefined,
        undefined,
        FIELD_MANAGER,
        undefined,
        PatchStrategy.MergePatch,
      );
      return done;
    });
  }

  /** Asks for a pod's eviction, which respects disruption budgets (`too-many-requests` while one forbids it). */
  async evict(namespace: string, name: string): Promise<void> {
    const request: Request = { verb: "create", resource: "pods/eviction", name, namespace };
    await this.#once(request, () =>
      this.#core.createNamespacedPodEviction({
        namespace,
        name,
        body: eviction(namespace, name),
      }),
    );
  }

  async #call<T>(request: Request, work: () => Promise<T>): Promise<T> {
    return withRetries(this.#signal, () => this.#once(request, work));
  }

  async #once<T>(request: Request, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toKubeError(error, request, this.#signal);
    }
  }
}

/** The name under which our writes stand in managedFields. */
export const FIELD_MANAGER = "trustee-access";

function eviction(namespace: string, name: string): V1Eviction {
  const metadata = Object.assign(new V1ObjectMeta(), { namespace, name });
  return Object.assign(new V1Eviction(), { apiVersion: "policy/v1", kind: "Eviction", metadata });
}

function header(ref: ObjectRef): {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string };
} {
  return {
    apiVersion: kinds[ref.kind].apiVersion,
    kind: ref.kind,
    metadata: { name: ref.name, namespace: ref.namespace },
  };
}

function about(ref: ObjectRef): Pick<Request, "resource" | "name" | "namespace"> {
  return { resource: kinds[ref.kind].resource, name: ref.name, namespace: ref.namespace };
}

/** The client library's words when discovery knows no such kind: the CRD is not installed. */
function isUnknownKind(detail: string): boolean {
  return detail.startsWith("Unrecognized API version and kind");
}

function observe(signal: AbortSignal, onDate: (date: Date) => void): Middleware {
  return {
    pre: (context) => {
      context.setSignal(AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT)]));
      return Promise.resolve(context);
    },
    post: (context) => {
      const date = context.headers["date"];
      if (date !== undefined) onDate(new Date(date));
      return Promise.resolve(context);
    },
  };
}
