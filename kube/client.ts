import { isRecord, parseJson } from "../core/records.ts";
import { HttpMethod, IsomorphicFetchHttpLibrary, RequestContext, type KubeConfig } from "./client-library.ts";
import { systemClock, type Clock } from "./clock.ts";
import { proxyOf } from "./cluster-config.ts";
import { failureOfStatus, KubeError, toKubeError, type Request } from "./errors.ts";
import type { JsonPatchOperation } from "./guarded-patch.ts";
import { apiPath, kinds, type Kind, type KubeObject, type ObjectMeta, type ObjectRef } from "./objects.ts";
import { withRetries } from "./retry.ts";
import { signInProblem } from "./sign-in.ts";

/** One request's patience: an API server that says nothing for this long is unreachable. Milliseconds. */
const REQUEST_TIMEOUT = 20_000;

/** The name under which our writes stand in managedFields: by it a rollout tells them from everybody else's. */
export const FIELD_MANAGER = "trustee-access";

/** One HTTP exchange: what to send, and what it is called in an error. */
interface Exchange {
  readonly request: Request;
  readonly method: HttpMethod;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** The answer is text, whatever stands in it. */
  readonly isText?: boolean;
}

/** All that an API server says where a JSON patch's test does not hold; what is invalid otherwise has a message of its own. */
const TEST_FAILED = "the server rejected our request due to an error in our request";

/** Asks for an object's metadata alone. */
const METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/**
 * A thin client: the calls that this project needs, each with retries for what passes by itself, a timeout, an abort
 * signal, and errors that name verb and resource. The JSON is handed over as the API server sent it: the paths are
 * known from {@link kinds}, so nothing has to be discovered, and times keep their text. Sign-in is the client library's.
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
   * @param fieldManager who writes. @default {@link FIELD_MANAGER}
   * @param clock by which it waits between tries. @default this machine's
   * @param requestTimeout how long one request may take once it is signed in, in milliseconds. @default 20 s
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

  /** Where the API server is, for messages. */
  get server(): string {
    return this.#config.getCurrentCluster()?.server.replace(/\/+$/, "") ?? "";
  }

  /** The API server's clock at its last answer, by its Date header (whole seconds): the clock that stamps the objects. */
  get serverTime(): Date | undefined {
    return this.#serverTime;
  }

  /** The object, or `undefined` where there is none (or its kind is not installed). */
  async get(ref: ObjectRef): Promise<KubeObject | undefined> {
    return this.#read(ref);
  }

  /** What the object says of itself, without its content: a Secret's data so never comes here. `undefined`: not there. */
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
   * A JSON merge patch: only what it names is written, everybody else's fields stay; `null` removes a field.
   * @param resourceVersion the version the patch builds on; another one live is the failure `conflict`
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
    return (await this.#retried({
      request: { verb: "patch", ...about(ref) },
      method: HttpMethod.PATCH,
      path: apiPath(ref.kind, ref.namespace, ref.name),
      query: { fieldManager: this.#fieldManager },
      body,
      contentType: "application/merge-patch+json",
    })) as KubeObject;
  }

  /**
   * A JSON patch, such as {@link guardedPatch} makes.
   * @throws KubeError `conflict` if one of its tests does not hold
   */
  async patchGuarded(ref: ObjectRef, operations: readonly JsonPatchOperation[]): Promise<KubeObject> {
    try {
      return (await this.#retried({
        request: { verb: "patch", ...about(ref) },
        method: HttpMethod.PATCH,
        path: apiPath(ref.kind, ref.namespace, ref.name),
        query: { fieldManager: this.#fieldManager },
        body: asGo(JSON.stringify(operations)),
        contentType: "application/json-patch+json",
      })) as KubeObject;
    } catch (error) {
      if (!(error instanceof KubeError) || error.detail !== TEST_FAILED) throw error;
      throw new KubeError("conflict", error.request, "what it builds on has changed", error);
    }
  }

  /** The last lines of a container's log. @param previous of the container's run before this one */
  async logTail(namespace: string, pod: string, container: string, previous: boolean): Promise<string> {
    const text = await this.#retried({
      request: { verb: "get", resource: "pods/log", name: pod, namespace },
      method: HttpMethod.GET,
      path: `${apiPath("Pod", namespace, pod)}/log`,
      query: { container, tailLines: "5", limitBytes: "4096", ...(previous ? { previous: "true" } : {}) },
      isText: true,
    });
    return String(text);
  }

  /** Asks for a pod's eviction, which respects disruption budgets (`too-many-requests` while one forbids it). */
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

  /** @throws KubeError `unauthorized`: trying again would not help */
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
    // Only now: a person may be needed to sign in.
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

/**
 * JSON text with the escapes that Go's encoder writes: an API server compares a JSON patch's test by the bytes of the
 * JSON that it has made of the object.
 */
function asGo(json: string): string {
  return json.replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What of such an answer may be said: not its content, which may be half a Secret. */
function notAnObject(server: string, code: number, type = "no content type"): string {
  return (
    `${server} answered HTTP ${code} with what is no JSON object (${type}), as a proxy's sign-in page is. ` +
    "Sign in to that proxy, or correct the server in the kubeconfig: kubectl get --raw /version"
  );
}

/** The message of a `Status` object. */
function statusMessage(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("message" in answer)) return undefined;
  return typeof answer.message === "string" ? answer.message : undefined;
}
