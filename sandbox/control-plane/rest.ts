import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import type { CertificateFiles } from "./certificates.ts";

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Plain REST against the sandbox's API server, for what is created while it comes up: objects are sent as they are
 * written (the client library drops fields it does not know, e.g. `x-kubernetes-list-type` of a CRD).
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
   * @returns status 0 where nothing answers
   */
  async call(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<Answer> {
    return new Promise((resolve) => {
      const nobody = (error: Error): void => {
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
        response.on("error", nobody);
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString("utf8")) });
        });
      });
      call.on("error", nobody);
      call.on("timeout", () => call.destroy());
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
