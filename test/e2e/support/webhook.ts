import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import type { Sandbox } from "../../../sandbox/api.ts";
import { selfSigned } from "../../../sandbox/control-plane/certificates.ts";
import { create, remove } from "./objects.ts";

/** A Pod before its creation. */
export interface AdmittedPod {
  readonly metadata: { readonly name?: string };
  readonly spec: {
    readonly runtimeClassName?: string;
    readonly containers: readonly { readonly image: string; readonly [field: string]: unknown }[];
    readonly [field: string]: unknown;
  };
}

/** One operation of a JSON patch. */
export interface PatchOperation {
  readonly op: "add" | "replace" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

interface Review {
  readonly request: { readonly uid: string; readonly object: AdmittedPod };
}

/**
 * Serves and registers a mutating admission webhook for new Pods.
 * @param mutate returns its changes of a Pod
 * @returns removes the webhook
 */
export async function podWebhook(
  sandbox: Sandbox,
  name: string,
  mutate: (pod: AdmittedPod) => readonly PatchOperation[],
): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "trustee-access-webhook-"));
  const extensions = ["subjectAltName = IP:127.0.0.1"];
  const files = await selfSigned(folder, "webhook", { subject: "/CN=webhook", extensions });
  const [cert, key] = [files.certificate, files.key].map((file) => readFileSync(file, "utf8"));
  rmSync(folder, { recursive: true });
  const server = createServer({ cert, key }, (request, answer) => {
    void json(request).then((body) => {
      const { uid, object } = (body as Review).request;
      const patch = Buffer.from(JSON.stringify(mutate(object))).toString("base64");
      const response = { uid, allowed: true, patchType: "JSONPatch", patch };
      answer
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const configuration = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        name: `${name}.example.com`,
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        clientConfig: {
          url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
          caBundle: Buffer.from(cert ?? "").toString("base64"),
        },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
      },
    ],
  };
  await create(sandbox, configuration);
  return async () => {
    await remove(sandbox, "MutatingWebhookConfiguration", name, "");
    server.close();
    server.closeAllConnections();
  };
}
