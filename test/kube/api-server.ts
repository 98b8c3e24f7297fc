import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** A server that answers with one object, like an API server, and records the requests. */
export interface ApiServer {
  readonly port: number;
  readonly requests: readonly IncomingMessage[];
}

/** @param tls PEM texts, for https */
export async function apiServer(tls?: { readonly cert: string; readonly key: string }): Promise<ApiServer> {
  const requests: IncomingMessage[] = [];
  const server: Server = tls === undefined ? createServer() : createSecureServer(tls);
  server.on("request", (request: IncomingMessage, response) => {
    requests.push(request);
    response.writeHead(200, { "content-type": "application/json" }).end('{"metadata":{"name":"policy"}}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

export interface Names {
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly user?: Readonly<Record<string, unknown>>;
  readonly server: string;
}

/** A kubeconfig with one context, in JSON, which is valid YAML. */
export function kubeconfigOf({ server, cluster = {}, user = {} }: Names): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, ...cluster } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
}

/** A new folder with these files by path, deleted at the end of the test. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

export const ref = { kind: "ConfigMap", namespace: "n", name: "policy" } as const;
