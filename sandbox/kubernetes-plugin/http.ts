import type { KubeConfig } from "@kubernetes/client-node";
import { request as http, type IncomingMessage } from "node:http";
import { request as https, type RequestOptions } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "../../protocol/index.ts";
import { ApiError, toApiError, UnreachableError } from "./api-error.ts";
import { isObject } from "./object.ts";

export interface ApiRequest {
  readonly method: "GET" | "PATCH" | "DELETE";
  /** Below the server's address, with its leading slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: JsonObject;
  /** @default application/json */
  readonly contentType?: string;
}

/** An API server that says nothing for this long is unreachable. Milliseconds. */
const patience = 20_000;

/** Waits before another try, in milliseconds, for what may pass by itself. */
const waits = [100, 300, 900, 2_000];

/**
 * Requests of JSON with a kubeconfig's credentials. The library's own object client would pass everything through the
 * types that it knows, and lose what a newer server or a custom resource has beside them.
 */
export class ApiServer {
  readonly #config: KubeConfig;
  readonly #server: string;

  constructor(config: KubeConfig) {
    this.#config = config;
    this.#server = config.getCurrentCluster()?.server.replace(/\/+$/, "") ?? "";
  }

  /** @throws ApiError, UnreachableError, or the signal's reason. Every request that is made here can be repeated. */
  async request(request: ApiRequest, signal: AbortSignal): Promise<JsonObject> {
    for (const wait of waits) {
      try {
        return await this.#once(request, signal);
      } catch (error) {
        if (!passes(error)) throw error;
        await sleep(wait, undefined, { signal }).catch(() => undefined);
        signal.throwIfAborted();
      }
    }
    return await this.#once(request, signal);
  }

  async #once(request: ApiRequest, signal: AbortSignal): Promise<JsonObject> {
    signal.throwIfAborted();
    const url = new URL(this.#server + request.path);
    for (const [key, value] of Object.entries(request.query ?? {})) url.searchParams.set(key, value);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const options: RequestOptions = {
      method: request.method,
      headers: {
        Accept: "application/json",
        "Content-Type": request.contentType ?? "application/json",
        // Node itself does not say how long the body of a DELETE is, and so it would not be read as one.
        ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
    };
    await this.#config.applyToHTTPSOptions(options);
    let code: number;
    let answer: unknown;
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const send = url.protocol === "http:" ? http : https;
        send(url, options, resolve).on("error", reject).end(body);
      });
      code = response.statusCode ?? 0;
      const content = await text(response);
      answer = parse(content);
    } catch (error) {
      signal.throwIfAborted();
      throw new UnreachableError(this.#server, why(error));
    }
    if (code >= 200 && code < 300 && isObject(answer)) return answer;
    throw toApiError(code, answer);
  }
}

function parse(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

function passes(error: unknown): boolean {
  if (error instanceof UnreachableError) return true;
  return error instanceof ApiError && (error.code === 429 || error.code >= 500);
}

function why(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError" || error.name === "AbortError") return "no answer in time";
  if (error instanceof AggregateError) return error.errors.map((each) => why(each)).join("; ");
  return error.message;
}
