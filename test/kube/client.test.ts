import { expect, test } from "vitest";
import type { KubeClient } from "../../kube/client.ts";
import { failureOfStatus, KubeError } from "../../kube/errors.ts";
import { apiServer, clientOf, kubeconfigOf, ref } from "./api-server.ts";

/** A client of a server that gives every request this answer. */
async function answering(code: number, body: string, type: string): Promise<KubeClient> {
  const { url } = await apiServer(undefined, { code, body, type });
  return clientOf({ kubeconfig: kubeconfigOf({ server: url }) });
}

test.each([
  ["a sign-in page", "<html>Sign in</html>", "text/html"],
  ["nothing", "", "text/plain"],
  ["a list", "[]", "application/json"],
  ["null", "null", "application/json"],
  ["half an object", '{"data":{"key":"dG9wIHNlY3JldA', "application/json"],
])("refuses HTTP 200 with %s, and quotes nothing of it", async (_, body, type) => {
  const kube = await answering(200, body, type);
  const message =
    `TA801 cannot get configmaps "policy" in namespace "n": ${kube.server} answered HTTP 200 without a JSON object ` +
    `(${type}), for example with a proxy's sign-in page. Sign in to that proxy, or correct the server in the kubeconfig: ` +
    "kubectl get --raw /version";
  await expect(kube.get(ref)).rejects.toMatchObject({ failure: "other", message });
  await expect(kube.getMetadata(ref)).rejects.toMatchObject({ failure: "other", message });
});

test("returns an object, and undefined for HTTP 404", async () => {
  const kube = await answering(200, '{"metadata":{"name":"policy"}}', "application/json");
  expect(await kube.get(ref)).toStrictEqual({ metadata: { name: "policy" } });
  expect(await (await answering(404, "404 page not found", "text/plain")).get(ref)).toBeUndefined();
});

test.each([
  [400, "refused", "TA813", "Correct what the API server names, then run again."],
  [401, "unauthorized", "TA802", "Renew the credentials of this kubeconfig context."],
  [403, "forbidden", "TA803", 'Grant the verb "get" on configmaps to this account.'],
  [404, "not-found", "TA804", "Create it, or install what it belongs to."],
  [405, "refused", "TA813", "Correct what the API server names, then run again."],
  [409, "conflict", "TA813", "Correct what the API server names, then run again."],
  [422, "refused", "TA813", "Correct what the API server names, then run again."],
  [429, "too-many-requests", "TA814", "Run again when the API server works: kubectl get --raw /readyz"],
  [500, "server-error", "TA814", "Run again when the API server works: kubectl get --raw /readyz"],
  [504, "server-error", "TA814", "Run again when the API server works: kubectl get --raw /readyz"],
])("HTTP %i is the failure %s with the code %s, and says what to do", (status, failure, code, next) => {
  const request = { verb: "get", resource: "configmaps", name: "policy", namespace: "n" } as const;
  expect(failureOfStatus(status)).toBe(failure);
  for (const detail of ["it said no", "it said no."]) {
    expect(new KubeError(failureOfStatus(status), request, detail)).toMatchObject({
      code,
      message: `${code} cannot get configmaps "policy" in namespace "n": it said no. ${next}`,
      text: `cannot get configmaps "policy" in namespace "n": it said no. ${next}`,
    });
  }
});
