import { readFile, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import type { CertificateFiles } from "./certificates.ts";

/** The name of the one context in a sandbox's kubeconfig. */
const CONTEXT = "trustee-access-sandbox";

async function base64Of(file: string): Promise<string> {
  return (await readFile(file)).toString("base64");
}

/** Writes a kubeconfig, complete in itself, of an administrator of the API server at that port of 127.0.0.1. */
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
  const content = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: CONTEXT, cluster }],
    users: [{ name: CONTEXT, user }],
    contexts: [{ name: CONTEXT, context: { cluster: CONTEXT, user: CONTEXT, namespace: "default" } }],
    "current-context": CONTEXT,
  };
  await writeFile(file, stringify(content, { lineWidth: 0 }), { mode: 0o600 });
}
