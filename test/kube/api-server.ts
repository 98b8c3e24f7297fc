import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { dirname, join } from "node:path";
import { KubeClient } from "../../kube/client.ts";
import type { NamedCluster } from "../../core/settings/cluster.ts";
import { loadCluster } from "../../kube/cluster.ts";
import { temporaryFolder } from "../support/folders.ts";
import { listening } from "../support/listening.ts";
import { selfSigned } from "../../sandbox/control-plane/certificates.ts";

/** A server that answers with one object, like an API server, and records the requests. */
export interface ApiServer {
  readonly port: number;
  /** With the number in it, not a name. */
  readonly url: string;
  readonly requests: readonly IncomingMessage[];
}

export interface Answer {
  readonly code: number;
  readonly body: string;
  readonly type: string;
}

const OBJECT = { code: 200, body: '{"metadata":{"name":"policy"}}', type: "application/json" };

/** @param tls PEM texts, for https */
export async function apiServer(
  tls?: { readonly cert: string; readonly key: string },
  { code, body, type }: Answer = OBJECT,
): Promise<ApiServer> {
  const requests: IncomingMessage[] = [];
  const server: Server = tls === undefined ? createServer() : createSecureServer(tls);
  server.on("request", (request: IncomingMessage, response) => {
    requests.push(request);
    response.writeHead(code, { "content-type": type }).end(body);
  });
  const port = await listening(server);
  return { port, url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`, requests };
}

/** A self-signed certificate `name.crt` and its key `name.key` in a folder, with their texts. */
export async function certified(folder: string, name: string, alternative = "IP:127.0.0.1") {
  const extensions = [`subjectAltName = ${alternative}`];
  const files = await selfSigned(folder, name, { subject: "/CN=server", extensions });
  const [cert, key] = [readFileSync(files.certificate, "utf8"), readFileSync(files.key, "utf8")];
  return { files, tls: { cert, key } };
}

export const clientOf = (options: NamedCluster): KubeClient =>
  new KubeClient(loadCluster(options), new AbortController().signal);

export interface Names {
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly user?: Readonly<Record<string, unknown>>;
  readonly server: string;
}

/** A kubeconfig with one context, in JSON, which is valid YAML. */
export const kubeconfigOf = ({ server, cluster = {}, user = {} }: Names): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, ...cluster } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });

/** A new folder with these files by path, deleted at the end of the test. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

export const ref = { kind: "ConfigMap", namespace: "n", name: "policy" } as const;
