import { createServer } from "node:http";
import { expect, describe, it } from "vitest";
import { readKbsLogs } from "../../../cli/live/read-kbs-log.ts";
import { KubeClient } from "../../../kube/client.ts";
import { loadCluster } from "../../../kube/cluster.ts";
import { kubeconfigOf } from "../../kube/api-server.ts";
import { listening } from "../../support/listening.ts";

/** A client, with a short time limit, of a server that gives these answers; `undefined`: it stays silent. */
async function clientOf(
  answer: (url: URL) => { readonly code: number; readonly body: string } | undefined,
): Promise<KubeClient> {
  const server = createServer(({ url = "" }, response) => {
    const found = answer(new URL(url, "http://server"));
    if (found !== undefined) response.writeHead(found.code).end(found.body);
  });
  const port = await listening(server);
  const config = loadCluster({ kubeconfig: kubeconfigOf({ server: `http://127.0.0.1:${port}` }) });
  return new KubeClient(config, new AbortController().signal, undefined, undefined, 500);
}

describe("the logs of the KBS's pods", () => {
  it("are read one by one, each line with its time", async () => {
    const client = await clientOf(({ pathname, searchParams }) => {
      expect(Object.fromEntries(searchParams)).toEqual({
        container: "kbs",
        tailLines: "5000",
        timestamps: "true",
      });
      return { code: 200, body: `2026-03-01T00:00:00.123456789Z [a] ${pathname}\n` };
    });
    const at = Date.parse("2026-03-01T00:00:00.123Z");
    expect(await readKbsLogs(client, "ns", ["kbs-1", "kbs-2"])).toEqual([
      [{ at, text: "[a] /api/v1/namespaces/ns/pods/kbs-1/log" }],
      [{ at, text: "[a] /api/v1/namespaces/ns/pods/kbs-2/log" }],
    ]);
  });

  it.each([
    ["silence", undefined, "the API server did not answer in time"],
    ["an error without a message", { code: 500, body: "" }, "HTTP 500"],
    ["a refusal", { code: 403, body: '{"message":"pods is forbidden"}' }, "pods is forbidden"],
  ])("have the problem in place of lines if reading fails: %s", async (_, answer, problem) => {
    const client = await clientOf(() => answer);
    expect(await readKbsLogs(client, "ns", ["kbs-1"])).toEqual([problem]);
  });
});
