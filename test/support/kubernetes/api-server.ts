import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { isRecord, parseJson } from "../../../core/records.ts";
import type { JsonPatchOperation } from "../../../kube/guarded-patch.ts";
import { kubeconfigOf } from "../../../sandbox/control-plane/kubeconfig.ts";
import { ApiError, disrupted, unpatchable } from "./api-error.ts";
import type { TestClock } from "./clock.ts";
import { fieldsAt } from "./fields.ts";
import { jsonPatched, mergePatched, type Json } from "./patches.ts";
import { isReady } from "./pods.ts";
import { resources, type Resource } from "./resources.ts";
import type { Store, Stored, Target } from "./store.ts";

interface Answer {
  readonly code: number;
  readonly body: Json;
}

interface Question {
  readonly method: string;
  readonly resource: Resource;
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly contentType: string;
  readonly body: string;
}

/** An in-memory API server on a port of 127.0.0.1, without authorization. */
export class ApiServer {
  /** The content of a kubeconfig. */
  readonly kubeconfig: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.kubeconfig = JSON.stringify(kubeconfigOf("c", { server: `http://127.0.0.1:${port}` }));
  }

  static async start(store: Store, clock: TestClock): Promise<ApiServer> {
    const server = createServer((request, response) => {
      respond(store, clock, request, response).catch(() => response.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ApiServer(server);
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

async function respond(store: Store, clock: TestClock, request: IncomingMessage, response: ServerResponse) {
  const body = await text(request);
  const question = read(request, body);
  response.setHeader("date", clock.now().toUTCString());
  if (question === undefined) {
    response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("404 page not found\n");
    return;
  }
  const answer = answered(store, question);
  response.writeHead(answer.code, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
}

function answered(store: Store, question: Question): Answer {
  try {
    return answerOf(store, question);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { code, reason, message, details } = error;
    return { code, body: status({ status: "Failure", message, reason, details, code }) };
  }
}

function read(request: IncomingMessage, body: string): Question | undefined {
  const url = new URL(request.url ?? "/", "http://localhost");
  const [, apiVersion, namespace, plural, name, subresource] =
    /^\/(?:api|apis)\/(v1|[^/]+\/v[^/]+)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      decodeURIComponent(url.pathname),
    ) ?? [];
  const resource = resources.find((one) => one.apiVersion === apiVersion && one.plural === plural);
  if (resource === undefined) return undefined;
  return {
    method: request.method ?? "GET",
    resource,
    ...{ namespace, name, subresource, query: url.searchParams, body },
    accept: request.headers.accept ?? "",
    contentType: request.headers["content-type"] ?? "",
  };
}

function answerOf(store: Store, question: Question): Answer {
  const { method, resource, namespace, name, subresource, query, accept, body } = question;
  const given = parseJson(body);
  const sent = isRecord(given) ? given : {};
  const manager = query.get("fieldManager") ?? "unknown";
  if (name === undefined) {
    if (method === "POST") {
      const metadata = isRecord(sent["metadata"]) ? sent["metadata"] : {};
      const target = { resource, namespace: namespace ?? "", name: String(metadata["name"]) };
      return { code: 201, body: store.create(target, sent, manager) };
    }
    return { code: 200, body: listed(store, question) };
  }
  const target: Target = { resource, namespace: namespace ?? "", name };
  switch (method) {
    case "GET": {
      const found = store.need(target);
      return { code: 200, body: accept.includes("as=PartialObjectMetadata") ? metadataOf(found) : found };
    }
    case "PATCH":
      return { code: 200, body: patched(store, target, question, manager) };
    case "POST":
      if (subresource !== "eviction") throw new Error(`no ${subresource ?? "POST"} here`);
      evict(store, target);
      return { code: 201, body: status({ status: "Success", code: 201 }) };
    case "DELETE": {
      const { uid } = store.need(target).metadata;
      const left = store.delete(target, isRecord(sent["preconditions"]) ? sent["preconditions"] : {});
      const { plural: kind, group } = resource;
      const details = { name, ...(group === "" ? {} : { group }), kind, uid };
      return { code: 200, body: left ?? status({ status: "Success", details }) };
    }
    default:
      throw new Error(`no ${method} here`);
  }
}

/**
 * Deletes a pod.
 * @throws ApiError 429 if a disruption budget forbids it
 */
function evict(store: Store, target: Target): void {
  const pod = store.need(target);
  const guarded = (budget: Stored, each: Stored): boolean =>
    Object.entries(fieldsAt(budget, "spec", "selector", "matchLabels")).every(
      ([label, value]) => each.metadata.labels?.[label] === value,
    );
  for (const budget of store.list("PodDisruptionBudget", target.namespace)) {
    if (!guarded(budget, pod)) continue;
    const healthy = store
      .list("Pod", target.namespace)
      .filter((each) => guarded(budget, each) && isReady(each)).length;
    const needed = Number(fieldsAt(budget, "spec")["minAvailable"]);
    if (isReady(pod) && healthy <= needed) throw disrupted(budget.metadata.name, needed, healthy);
  }
  store.delete(target);
}

function patched(store: Store, target: Target, { contentType, body }: Question, manager: string): Json {
  return store.update(target, manager, (live) => {
    const patch = parseJson(body);
    if (contentType.startsWith("application/merge-patch+json")) return mergePatched(live, patch) as Json;
    const changed = jsonPatched(live, patch as readonly JsonPatchOperation[], body);
    if (changed === undefined) throw unpatchable();
    return changed;
  });
}

function listed(store: Store, { resource, namespace, query }: Question): Json {
  const { kind, apiVersion, custom } = resource;
  const items = store
    .list(kind, namespace, query.get("labelSelector") ?? "")
    // For built-in types the API server sets the kind only on the list, not on its items.
    .map(({ apiVersion: version, kind: each, ...item }) =>
      custom ? { apiVersion: version, kind: each, ...item } : item,
    );
  return { kind: `${kind}List`, apiVersion, metadata: { resourceVersion: store.version }, items };
}

function metadataOf({ metadata }: Json): Json {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
}

function status(content: Json): Json {
  return { kind: "Status", apiVersion: "v1", metadata: {}, ...content };
}
