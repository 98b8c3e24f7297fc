import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { request, type RequestOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { kubeconfigOf } from "../control-plane/kubeconfig.ts";

/** A request, without its query. */
export interface Call {
  readonly method: string;
  readonly path: string;
  /** Undefined if there was no answer. */
  readonly status: number | undefined;
}

/** A proxy for an API server that uses the kubeconfig's credentials and records all calls. */
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
      // Calls are listed in the order of the requests, not of the answers.
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
    // Node sends DELETE bodies without a length. The request itself is still answered.
    server.on("clientError", () => undefined);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  /** The text of a kubeconfig for this proxy. */
  get kubeconfig(): string {
    const { port } = this.#server.address() as AddressInfo;
    const cluster = { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true };
    return JSON.stringify(kubeconfigOf("counted", cluster));
  }

  /** Returns the calls since the last `take`, in order. */
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
