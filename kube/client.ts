import { isRecord, mapValues, parseJson } from "../core/records.ts";
import { HttpMethod, IsomorphicFetchHttpLibrary, RequestContext, type KubeConfig } from "./client-library.ts";
import { proxyOf } from "./cluster-config.ts";
import { failureOfStatus, KubeError, toKubeError, type Request } from "./errors.ts";
import type { JsonPatchOperation } from "./guarded-patch.ts";
import { apiPath, kinds, type Kind, type KubeObject, type ObjectMeta, type ObjectRef } from "./objects.ts";
import { withRetries, systemClock, type Clock } from "./retry.ts";
import { signInProblem } from "./sign-in.ts";

/** Time limit of one request, in milliseconds: an API server silent for this long is unreachable. */
const REQUEST_TIMEOUT = 20_000;

/** The manager of our writes in managedFields. A rollout recognizes them by it. */
export const FIELD_MANAGER = "trustee-access";

/** One HTTP exchange: what to send, and how errors describe it. */
interface Exchange {
  readonly request: Request;
  readonly method: HttpMethod;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** The answer is text, not JSON. */
  readonly isText?: boolean;
}

/** Which lines of a log, in the names of the Kubernetes API. */
export interface LogLimits {
  readonly tailLines: number;
  readonly limitBytes?: number;
  /** Each line begins with its time. */
  readonly timestamps?: boolean;
  /** Of the container's previous run. */
  readonly previous?: boolean;
}

/** The API server's message if a test of a JSON patch fails. Other invalid patches have others. */
const TEST_FAILED = "the server rejected our request due to an error in our request";

/** Requests an object's metadata only. */
const METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/**
 * A thin client with the calls that this project needs. Each retries transient failures and has a timeout, an
 * abort signal, and errors that name verb and resource. The caller gets the JSON as the API server sent it:
 * {@link kinds} gives the paths, so nothing is discovered, and times stay strings. The client library does
 * the sign-in.
 */
export class KubeClient {
  readonly #config: KubeConfig;
  readonly #signal: AbortSignal;
  readonly #fieldManager: string;
  readonly #clock: Pick<Clock, "sleep">;
  readonly #requestTimeout: number;
  readonly #http = new IsomorphicFetchHttpLibrary();
  #serverTime: Date | undefined;

  /**
   * @param signal ends every request and every wait between tries
   * @param fieldManager the name of the writer. @default {@link FIELD_MANAGER}
   * @param clock for the waits between tries. @default this machine's
   * @param requestTimeout time limit of one request after sign-in, in milliseconds. @default 20 s
   */
  constructor(
    config: KubeConfig,
    signal: AbortSignal,
    fieldManager: string = FIELD_MANAGER,
    clock: Pick<Clock, "sleep"> = systemClock,
    requestTimeout = REQUEST_TIMEOUT,
  ) {
    this.#config = config;
    this.#signal = signal;
    this.#fieldManager = fieldManager;
    this.#clock = clock;
    this.#requestTimeout = requestTimeout;
  }

  /** The API server's URL. */
  get server(): string {
    return this.#config.getCurrentCluster()?.server.replace(/\/+$/, "") ?? "";
  }

  /** The API server's clock, which stamps the objects, at its last answer: whole seconds. */
  get serverTime(): Date | undefined {
    return this.#serverTime;
  }

  /** The object, or `undefined` if it does not exist or its kind is not installed. */
  async get(ref: ObjectRef): Promise<KubeObject | undefined> {
    return this.#read(ref);
  }

  /** The object's metadata; `undefined` if there is none. A Secret's data is not transferred. */
  async getMetadata(ref: ObjectRef): Promise<ObjectMeta | undefined> {
    return (await this.#read(ref, METADATA_ONLY))?.metadata;
  }

  /** @param namespace `undefined`: in all namespaces */
  async list(
    kind: Kind,
    namespace: string | undefined,
    labelSelector?: string,
  ): Promise<readonly KubeObject[]> {
    const list = (await this.#retried({
      request: {
        verb: "list",
        resource: kinds[kind].resource,
        ...(namespace === undefined ? {} : { namespace }),
      },
      method: HttpMethod.GET,
      path: apiPath(kind, namespace),
      query: labelSelector === undefined ? {} : { labelSelector },
    })) as { readonly items?: readonly KubeObject[] };
    return list.items ?? [];
  }

  /**
   * Applies a JSON merge patch: it writes only the fields that it names; `null` removes a field.
   * @param resourceVersion the version that the patch builds on. If another one is live, the failure is
   *   `conflict`
   */
  async patch(
    ref: ObjectRef,
    patch: Readonly<Record<string, unknown>>,
    resourceVersion?: string,
  ): Promise<KubeObject> {
    const body =
      resourceVersion === undefined
        ? patch
        : { ...patch, metadata: { ...(patch["metadata"] ?? {}), resourceVersion } };
    return this.#patch(ref, body, "application/merge-patch+json");
  }

  /**
   * Applies a JSON patch, for example from {@link guardedPatch}.
   * @throws KubeError `conflict` if one of its tests fails
   */
  async patchGuarded(ref: ObjectRef, operations: readonly JsonPatchOperation[]): Promise<KubeObject> {
    try {
      return await this.#patch(ref, asGo(JSON.stringify(operations)), "application/json-patch+json");
    } catch (error) {
      if (!(error instanceof KubeError) || error.detail !== TEST_FAILED) throw error;
      throw new KubeError("conflict", error.request, "a field that it builds on has changed", error);
    }
  }

  async #patch(ref: ObjectRef, body: unknown, contentType: string): Promise<KubeObject> {
    return (await this.#retried({
      request: { verb: "patch", ...about(ref) },
      method: HttpMethod.PATCH,
      path: apiPath(ref.kind, ref.namespace, ref.name),
      query: { fieldManager: this.#fieldManager },
      body,
      contentType,
    })) as KubeObject;
  }

  /** The last lines of a container's log. One try, since a log only adds to what is known. */
  async logTail(namespace: string, pod: string, container: string, limits: LogLimits): Promise<string> {
    const text = await this.#once({
      request: { verb: "get", resource: "pods/log", name: pod, namespace },
      method: HttpMethod.GET,
      path: `${apiPath("Pod", namespace, pod)}/log`,
      query: { container, ...mapValues({ ...limits }, String) },
      isText: true,
    });
    return String(text);
  }

  /** Evicts a pod, within disruption budgets (`too-many-requests` while one forbids it). */
  async evict(namespace: string, name: string): Promise<void> {
    await this.#once({
      request: { verb: "create", resource: "pods/eviction", name, namespace },
      method: HttpMethod.POST,
      path: `${apiPath("Pod", namespace, name)}/eviction`,
      body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } },
      contentType: "application/json",
    });
  }

  async #read(ref: ObjectRef, accept = "application/json"): Promise<KubeObject | undefined> {
    try {
      return (await this.#retried({
        request: { verb: "get", ...about(ref) },
        method: HttpMethod.GET,
        path: apiPath(ref.kind, ref.namespace, ref.name),
        accept,
      })) as KubeObject;
    } catch (error) {
      if (error instanceof KubeError && error.failure === "not-found") return undefined;
      throw error;
    }
  }

  async #retried(exchange: Exchange): Promise<unknown> {
    return withRetries(this.#signal, () => this.#once(exchange), this.#clock);
  }

  async #once(exchange: Exchange): Promise<unknown> {
    try {
      return await this.#send(exchange);
    } catch (error) {
      throw toKubeError(error, exchange.request, this.#signal, proxyOf(this.#config));
    }
  }

  /** @throws KubeError `unauthorized`, which is not retried */
  async #signIn(context: RequestContext, request: Request): Promise<void> {
    try {
      await this.#config.applySecurityAuthentication(context);
    } catch (error) {
      if (this.#signal.aborted) throw error;
      const { detail, next } = signInProblem(this.#config.getCurrentUser(), error);
      throw new KubeError("unauthorized", request, detail, error, next);
    }
  }

  async #send({
    request,
    method,
    path,
    query = {},
    body,
    contentType,
    accept,
    isText,
  }: Exchange): Promise<unknown> {
    this.#signal.throwIfAborted();
    const context = new RequestContext(this.server + path, method);
    for (const [name, value] of Object.entries(query)) context.setQueryParam(name, value);
    context.setHeaderParam("Accept", accept ?? "application/json");
    if (contentType !== undefined) context.setHeaderParam("Content-Type", contentType);
    if (body !== undefined) context.setBody(typeof body === "string" ? body : JSON.stringify(body));
    context.setSignal(this.#signal);
    await this.#signIn(context, request);
    // The time limit starts after the sign-in, which may need a person.
    context.setSignal(AbortSignal.any([this.#signal, AbortSignal.timeout(this.#requestTimeout)]));
    const response = await this.#http.send(context).toPromise();
    const date = Date.parse(response.headers["date"] ?? "");
    if (!Number.isNaN(date)) this.#serverTime = new Date(date);
    const text = await response.body.text();
    const answer = parseJson(text);
    const { httpStatusCode: code } = response;
    if (code >= 200 && code < 300) {
      if (isText === true) return text;
      if (isRecord(answer)) return answer;
      throw new KubeError("other", request, notAnObject(this.server, code, response.headers["content-type"]));
    }
    throw new KubeError(failureOfStatus(code), request, statusMessage(answer) ?? `HTTP ${code}`);
  }
}

function about(ref: ObjectRef): Pick<Request, "resource" | "name" | "namespace"> {
  return { resource: kinds[ref.kind].resource, name: ref.name, namespace: ref.namespace };
}

/** Escapes JSON as Go's encoder does: the API server compares a test with the bytes of its own JSON. */
function asGo(json: string): string {
  return json.replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Leaves out the answer's content, which may be part of a Secret. */
function notAnObject(server: string, code: number, type = "no content type"): string {
  return (
    `${server} answered HTTP ${code} without a JSON object (${type}), for example with a proxy's sign-in page. ` +
    "Sign in to that proxy, or correct the server in the kubeconfig: kubectl get --raw /version"
  );
}

/** The message of a `Status` object. */
function statusMessage(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("message" in answer)) return undefined;
  return typeof answer.message === "string" ? answer.message : undefined;
}
