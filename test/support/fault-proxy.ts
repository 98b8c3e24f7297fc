import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { connectionOf, type Connection } from "./connection.ts";

/** What happens to a request instead of, or around, its way to the API server. */
export type Fault =
  /** The API server never sees it, and this is the answer. */
  | {
      readonly status: number;
      readonly message: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The connection is cut before the API server sees it. */
  | "cut"
  /** The API server has done it, and the answer is lost. */
  | "lose-answer"
  /** Nobody ever answers. */
  | "hang"
  /** Something else happens first. */
  | { readonly before: () => Promise<unknown> }
  /** The API server has done it, and something else happens before anybody knows. */
  | { readonly after: () => Promise<unknown> };

export interface Call {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
}

/** An API server that fails as it is told to: a proxy in front of a real or an in-memory one. Watches pass through it too. */
export class FaultProxy {
  /** The content of a kubeconfig. */
  readonly kubeconfig: string;
  /** What came by. */
  readonly calls: Call[] = [];
  /** Decides for each request; by default all of them pass. */
  fault: (call: Call) => Fault | undefined = () => undefined;
  readonly #server: Server;
  readonly #connection: Connection;

  private constructor(server: Server, kubeconfig: string, connection: Connection) {
    this.#server = server;
    this.kubeconfig = kubeconfig;
    this.#connection = connection;
  }

  /** @param kubeconfig the file of a sandbox's, with a client certificate; or the content of one without TLS */
  static async start(kubeconfig: string): Promise<FaultProxy> {
    const connection = connectionOf(kubeconfig);
    const { secure, ca } = connection;
    // It serves the API server's own certificate, so that clients trust it by the same CA.
    const ownFile = (name: string): Buffer => readFileSync(join(dirname(kubeconfig), "certificates", name));
    const server = secure
      ? createSecureServer({ cert: ownFile("apiserver.crt"), key: ownFile("apiserver.key") })
      : createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const address = `${secure ? "https" : "http"}://127.0.0.1:${port}`;
    const cluster = { server: address, ...(secure ? { "certificate-authority-data": ca } : {}) };
    const kubeconfigOfProxy = JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster }],
      users: [{ name: "u", user: { token: "of-nobody" } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      "current-context": "c",
    });
    const proxy = new FaultProxy(server, kubeconfigOfProxy, connection);
    server.on("request", (incoming, outgoing) => {
      proxy.#serve(incoming, outgoing).catch(() => outgoing.destroy());
    });
    return proxy;
  }

  /** Faults for the first calls of a method, one each; all others pass. */
  failFirst(method: string, ...faults: readonly Fault[]): void {
    const left = [...faults];
    this.fault = (call) => (call.method === method ? left.shift() : undefined);
  }

  /** All requests pass again. */
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
    const call = { method, path: url.replace(/\?.*/, "") };
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
