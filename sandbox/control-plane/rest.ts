import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { parseJson } from "../../core/records.ts";
import type { CertificateFiles } from "./certificates.ts";

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Plain REST calls to the sandbox's API server. The client library would drop fields that it does not know,
 * for example `x-kubernetes-list-type` of a CRD.
 */
export class Rest {
  readonly #agent: Agent;
  readonly #port: number;

  constructor(port: number, ca: CertificateFiles, client: CertificateFiles) {
    this.#port = port;
    this.#agent = new Agent({
      keepAlive: true,
      ca: readFileSync(ca.certificate),
      cert: readFileSync(client.certificate),
      key: readFileSync(client.key),
    });
  }

  /**
   * @param method PATCH is a JSON merge patch
   * @returns status 0 if there is no answer
   */
  async call(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<Answer> {
    return new Promise((resolve) => {
      const failed = (error: Error): void => {
        resolve({ status: 0, body: error.message });
      };
      const options = {
        host: "127.0.0.1",
        port: this.#port,
        path,
        method,
        agent: this.#agent,
        timeout: 10_000,
      };
      const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
      const call = request({ ...options, headers: { "content-type": type } }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", failed);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({ status: response.statusCode ?? 0, body: parseJson(text) ?? text });
        });
      });
      call.on("error", failed);
      call.on("timeout", () => call.destroy());
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
