import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { kubeconfigOf } from "../../sandbox/control-plane/kubeconfig.ts";
import { connectionOf, type Connection } from "./connection.ts";

export type Fault =
  /** The request is not forwarded; this is the response. */
  | { readonly status: number; readonly message: string; readonly headers?: Readonly<Record<string, string>> }
  /** The connection is closed, and the request is not forwarded. */
  | "cut"
  /** The request is forwarded, and the response is lost. */
  | "lose-answer"
  /** There is never a response. */
  | "hang"
  /** Runs before the request is forwarded. */
  | { readonly before: () => Promise<unknown> }
  /** Runs after the API server has processed the request, before the response is sent. */
  | { readonly after: () => Promise<unknown> };

export interface Call {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Of the API server's answer; absent: there is none yet, or none at all. */
  status?: number | undefined;
}

/** A proxy with fault injection, for a real or an in-memory API server. It supports watches. */
export class FaultProxy {
  /** The content of a kubeconfig. */
  readonly kubeconfig: string;
  readonly calls: Call[] = [];
  /** Returns the fault for a request; by default all requests pass. */
  fault: (call: Call) => Fault | undefined = () => undefined;
  readonly #server: Server;
  readonly #connection: Connection;

  private constructor(server: Server, kubeconfig: string, connection: Connection) {
    this.#server = server;
    this.kubeconfig = kubeconfig;
    this.#connection = connection;
  }

  /** @param kubeconfig a sandbox's file with a client certificate, or the content of one without TLS */
  static async start(kubeconfig: string): Promise<FaultProxy> {
    const connection = connectionOf(kubeconfig);
    const { secure, ca } = connection;
    // Serves the API server's own certificate, so that clients trust it with the same CA.
    const ownFile = (name: string): Buffer => readFileSync(join(dirname(kubeconfig), "certificates", name));
    const server = secure
      ? createSecureServer({ cert: ownFile("apiserver.crt"), key: ownFile("apiserver.key") })
      : createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const address = `${secure ? "https" : "http"}://127.0.0.1:${port}`;
    const cluster = { server: address, ...(secure ? { "certificate-authority-data": ca } : {}) };
    const config = kubeconfigOf("c", cluster, { token: "of-nobody" });
    const proxy = new FaultProxy(server, JSON.stringify(config), connection);
    server.on("request", (incoming, outgoing) => {
      proxy.#serve(incoming, outgoing).catch(() => outgoing.destroy());
    });
    return proxy;
  }

  /** One fault for each of the first calls of a method; all other calls pass. */
  failFirst(method: string, ...faults: readonly Fault[]): void {
    const left = [...faults];
    this.fault = (call) => (call.method === method ? left.shift() : undefined);
  }

  heal(): void {
    this.fault = () => undefined;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = "GET", url = "/" } = incoming;
    const body = await text(incoming);
    const call: Call = { method, path: url.replace(/\?.*/, "") };
    this.calls.push(call);
    const fault = this.fault(call);
    if (fault === "hang") return;
    if (fault === "cut") {
      outgoing.destroy();
      return;
    }
    if (typeof fault === "object" && "status" in fault) {
      const { status, message, headers } = fault;
      outgoing.writeHead(status, { "content-type": "application/json", ...headers });
      outgoing.end(JSON.stringify({ kind: "Status", code: status, message }));
      return;
    }
    if (typeof fault === "object" && "before" in fault) await fault.before();
    const response = await this.#forward(incoming, outgoing, body);
    call.status = response.statusCode;
    if (fault === "lose-answer") {
      outgoing.destroy();
      return;
    }
    if (typeof fault === "object" && "after" in fault) await fault.after();
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    await pipeline(response, outgoing);
  }

  async #forward(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    body: string,
  ): Promise<IncomingMessage> {
    const { host: _, authorization: __, connection: ___, ...headers } = incoming.headers;
    const { method } = incoming;
    const forwarded = this.#connection.request(incoming.url ?? "/", { method, headers }).end(body);
    outgoing.on("close", () => forwarded.destroy());
    const [response] = (await once(forwarded, "response")) as [IncomingMessage];
    return response;
  }
}
