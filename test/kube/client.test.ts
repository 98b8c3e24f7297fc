import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { KubeClient } from "../../kube/client.ts";
import { loadCluster } from "../../kube/cluster.ts";

let server: Server | undefined;

afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** A client of a server that gives every request this answer. */
async function answering(code: number, body: string, type: string): Promise<KubeClient> {
  const started = createServer((_, response) => {
    response.writeHead(code, { "content-type": type }).end(body);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const { port } = started.address() as AddressInfo;
  const kubeconfig = JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "c", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } },
    ],
    users: [{ name: "u", user: {} }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
  return new KubeClient(loadCluster({ kubeconfig }), new AbortController().signal);
}

const ref = { kind: "ConfigMap", namespace: "n", name: "policy" } as const;

test.each([
  ["a sign-in page", "<html>Sign in</html>", "text/html"],
  ["nothing", "", "text/plain"],
  ["a list", "[]", "application/json"],
  ["null", "null", "application/json"],
  ["half an object", '{"data":{"key":"dG9wIHNlY3JldA', "application/json"],
])("HTTP 200 with %s is no answer, and none of it is quoted", async (_, body, type) => {
  const kube = await answering(200, body, type);
  const message =
    `cannot get configmaps "policy" in namespace "n": ${kube.server} answered HTTP 200 without a JSON object ` +
    `(${type}), for example with a proxy's sign-in page. Sign in to that proxy, or correct the server in the kubeconfig: ` +
    "kubectl get --raw /version";
  await expect(kube.get(ref)).rejects.toMatchObject({ failure: "other", message });
  await expect(kube.getMetadata(ref)).rejects.toMatchObject({ failure: "other", message });
});

test("an object is returned, and HTTP 404 becomes undefined", async () => {
  const kube = await answering(200, '{"metadata":{"name":"policy"}}', "application/json");
  expect(await kube.get(ref)).toStrictEqual({ metadata: { name: "policy" } });
  server?.close();
  expect(await (await answering(404, "404 page not found", "text/plain")).get(ref)).toBeUndefined();
});
