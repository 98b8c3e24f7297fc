import { text } from "node:stream/consumers";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { parseJson } from "../../../core/records.ts";
import { FIELD_MANAGER, KubeClient } from "../../../kube/client.ts";
import { loadCluster } from "../../../kube/cluster.ts";
import { apiPath, type Kind } from "../../../kube/objects.ts";
import { connectionOf, type Connection } from "../connection.ts";
import type { Json } from "./patches.ts";

export interface Answer {
  readonly code: number;
  /** Parsed JSON, or else text. */
  readonly body: unknown;
}

interface Sent {
  /** A string is sent as it is. */
  readonly body?: unknown;
  readonly type?: "merge-patch" | "json-patch";
  readonly manager?: string;
  readonly accept?: string;
  readonly query?: string;
  readonly namespace?: string;
}

/** An API server for scenarios, in memory or real. */
export class Stage {
  readonly namespace: string;
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly kube: KubeClient;
  readonly #connection: Connection;

  constructor(kubeconfig: string, namespace: string, pause: (milliseconds: number) => Promise<void>) {
    this.namespace = namespace;
    this.pause = pause;
    this.#connection = connectionOf(kubeconfig);
    this.kube = new KubeClient(loadCluster({ kubeconfig }), new AbortController().signal);
  }

  async ask(method: string, path: string, sent: Sent = {}): Promise<Answer> {
    const { body, type, manager = "somebody", accept = "application/json", query = "" } = sent;
    const contentType = type === undefined ? "application/json" : `application/${type}+json`;
    const content = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
    const headers = { accept, "content-type": contentType, "content-length": Buffer.byteLength(content) };
    const request = this.#connection.request(`${path}?fieldManager=${manager}${query}`, { method, headers });
    request.end(content);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const answer = await text(response);
    return { code: response.statusCode ?? 0, body: parseJson(answer) ?? answer };
  }

  path(kind: Kind, name?: string): string {
    return apiPath(kind, this.namespace, name);
  }

  async create(kind: Kind, object: Json, manager?: string): Promise<Answer> {
    return this.ask("POST", this.path(kind), { body: object, ...(manager === undefined ? {} : { manager }) });
  }

  async get(kind: Kind, name: string): Promise<Answer> {
    return this.ask("GET", this.path(kind, name));
  }

  async merge(kind: Kind, name: string, body: Json, manager: string = FIELD_MANAGER): Promise<Answer> {
    return this.ask("PATCH", this.path(kind, name), { body, manager, type: "merge-patch" });
  }

  async jsonPatch(kind: Kind, name: string, body: unknown): Promise<Answer> {
    const sent = { body, manager: FIELD_MANAGER, type: "json-patch" } as const;
    return this.ask("PATCH", this.path(kind, name), sent);
  }

  /** Polls until the answer fulfils the condition. */
  async settled<T>(read: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> {
    for (let left = 600; left > 0; left -= 1) {
      const answer = await read();
      if (isSo(answer)) return answer;
      await this.pause(100);
    }
    throw new Error("it does not settle within a minute");
  }
}

/** Makes answers of different runs comparable: uids, versions and times are numbered by first appearance. */
export function comparable(answers: readonly unknown[], withTimes: boolean): unknown {
  const seen = new Map<string, string>();
  const numbered = (kind: string, value: string): string => {
    const known = seen.get(value) ?? `<${kind} ${seen.size + 1}>`;
    seen.set(value, known);
    return known;
  };
  const visit = (value: unknown, field: string): unknown => {
    if (Array.isArray(value)) return value.map((each) => visit(each, field));
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, each]) => [name, visit(each, name)]),
      );
    }
    if (typeof value !== "string") return value;
    if (field === "uid" || field === "resourceVersion") return numbered(field, value);
    if (/^\d{4}-\d\d-\d\dT[\d:]+Z$/.test(value) && field !== "restartedAt") {
      return withTimes ? numbered("time", value) : "<time>";
    }
    return [...seen].reduce((text, [known, name]) => text.replaceAll(known, name), value);
  };
  return answers.map((answer) => visit(answer, ""));
}
