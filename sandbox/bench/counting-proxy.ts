import { createServer, type Server } from "node:http";
import { request, type RequestOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";

/** A request, without what it asks for beside its path. */
export interface Call {
  readonly method: string;
  readonly path: string;
  /** `undefined`: it was not answered. */
  readonly status: number | undefined;
}

/** Stands in front of an API server, with the kubeconfig's own credentials, and counts what is asked of it. */
export class CountingProxy {
  #calls: Call[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(kubeconfig: string): Promise<CountingProxy> {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const target = config.getCurrentCluster()?.server ?? "";
    const server = createServer();
    const proxy = new CountingProxy(server);
    server.on("request", (incoming, outgoing) => {
      const { method = "GET", url = "/", headers } = incoming;
      // At its place among the others, whenever it is answered.
      const calls = proxy.#calls;
      const call: Call = { method, path: url.split("?")[0] ?? url, status: undefined };
      const place = calls.push(call) - 1;
      const { host: _, ...kept } = headers;
      const forwarded = request(new URL(url, target), { ...options, method, headers: kept }, (answer) => {
        calls[place] = { ...call, status: answer.statusCode };
        outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, connection: "close" });
        answer.pipe(outgoing);
      });
      forwarded.on("error", (error) => outgoing.destroy(error));
      incoming.pipe(forwarded);
    });
    // A body whose length was not announced, as Node sends it with DELETE: the request before it is answered all the same.
    server.on("clientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  /** A kubeconfig, as text, that leads here. */
  get kubeconfig(): string {
    const { port } = this.#server.address() as AddressInfo;
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "counted",
          cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true },
        },
      ],
      users: [{ name: "counted", user: {} }],
      contexts: [{ name: "counted", context: { cluster: "counted", user: "counted" } }],
      "current-context": "counted",
    });
  }

  /** The calls since the last time, in the order in which they came. */
  take(): readonly Call[] {
    const calls = this.#calls;
    this.#calls = [];
    return calls;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
