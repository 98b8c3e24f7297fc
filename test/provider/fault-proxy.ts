import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { loadCluster } from "../../kube/cluster.ts";

/** What happens to a request instead of, or around, its way to the API server. */
export type Fault =
  /** The API server never sees it, and this is the answer. */
  | { readonly status: number; readonly message: string }
  /** The connection is cut before the API server sees it. */
  | "cut"
  /** The API server has done it, and the answer is lost. */
  | "lose-answer"
  /** Nobody ever answers. */
  | "hang"
  /** Something else happens first. */
  | { readonly before: () => Promise<unknown> };

export interface Call {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
}

/** An API server that fails as it is told to: a proxy in front of the real one. */
export class FaultProxy {
  readonly kubeconfig: string;
  /** What came by. */
  readonly calls: Call[] = [];
  /** Decides for each request; by default all of them pass. */
  fault: (call: Call) => Fault | undefined = () => undefined;
  readonly #server: Server;

  private constructor(server: Server, kubeconfig: string) {
    this.#server = server;
    this.kubeconfig = kubeconfig;
  }

  /** @param kubeconfig the real cluster's, with a client certificate */
  static async start(kubeconfig: string): Promise<FaultProxy> {
    const config = loadCluster({ kubeconfig });
    const target = config.getCurrentCluster();
    const user = config.getCurrentUser();
    const decode = (data: string | undefined) => Buffer.from(data ?? "", "base64");
    const tls = { ca: decode(target?.caData), cert: decode(user?.certData), key: decode(user?.keyData) };
    const server = createServer((incoming, outgoing) => {
      proxy.#serve(incoming, outgoing, target?.server ?? "", tls).catch(() => outgoing.destroy());
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const proxy = new FaultProxy(
      server,
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: [
          { name: "c", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } },
        ],
        users: [{ name: "u", user: {} }],
        contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
        "current-context": "c",
      }),
    );
    return proxy;
  }

  /** Faults for the first calls of a method, one each; all others pass. */
  failFirst(method: string, ...faults: readonly Fault[]): void {
    const left = [...faults];
    this.fault = (call) => (call.method === method ? left.shift() : undefined);
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    target: string,
    tls: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer },
  ): Promise<void> {
    const { method = "GET", url = "/", headers } = incoming;
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
      outgoing.writeHead(fault.status, { "content-type": "application/json" });
      outgoing.end(JSON.stringify({ kind: "Status", code: fault.status, message: fault.message }));
      return;
    }
    if (typeof fault === "object") await fault.before();
    const { host: _, ...passed } = headers;
    const request = httpsRequest(target + url, { method, headers: passed, ...tls }).end(body);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const answer = await text(response);
    if (fault === "lose-answer") {
      outgoing.destroy();
      return;
    }
    const { "transfer-encoding": __, "content-length": ___, ...given } = response.headers;
    outgoing.writeHead(response.statusCode ?? 502, given);
    outgoing.end(answer);
  }
}
