import { readFile, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import type { CertificateFiles } from "./certificates.ts";

const CONTEXT = "trustee-access-sandbox";

async function base64Of(file: string): Promise<string> {
  return (await readFile(file)).toString("base64");
}

/** A kubeconfig with one context. The context, its cluster and its user share the name. */
export function kubeconfigOf(name: string, cluster: object, user: object = {}, context: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, ...context } }],
    "current-context": name,
  };
}

/** Writes a self-contained administrator's kubeconfig for the API server on that port of 127.0.0.1. */
export async function writeKubeconfig(
  file: string,
  port: number,
  ca: CertificateFiles,
  admin: CertificateFiles,
): Promise<void> {
  const cluster = {
    server: `https://127.0.0.1:${port}`,
    "certificate-authority-data": await base64Of(ca.certificate),
  };
  const user = {
    "client-certificate-data": await base64Of(admin.certificate),
    "client-key-data": await base64Of(admin.key),
  };
  const content = kubeconfigOf(CONTEXT, cluster, user, { namespace: "default" });
  await writeFile(file, stringify(content, { lineWidth: 0 }), { mode: 0o600 });
}
