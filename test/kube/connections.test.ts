import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { KubeClient } from "../../kube/client.ts";
import { loadCluster } from "../../kube/cluster.ts";
import {
  apiServer,
  certified,
  clientOf,
  folderWith,
  kubeconfigOf,
  ref,
  type ApiServer,
} from "./api-server.ts";

const ports = ({ requests }: ApiServer): readonly (number | undefined)[] =>
  requests.map(({ socket }) => socket.remotePort);

test("requests share a connection, also across several clients of one cluster", async () => {
  const server = await apiServer();
  const kubeconfig = kubeconfigOf({ server: server.url, user: { token: "t" } });
  const config = loadCluster({ kubeconfig });
  for (const _ of [1, 2, 3]) {
    const kube = new KubeClient(config, new AbortController().signal);
    await kube.get(ref);
    await kube.get(ref);
  }
  expect(server.requests.length).toBe(6);
  // There may be a second connection if the first is still busy at the next request.
  expect(new Set(ports(server)).size).toBeLessThanOrEqual(2);
});

test("another client certificate opens another connection", async () => {
  const folder = folderWith({});
  const { files: first, tls } = await certified(folder, "first");
  const { files: second } = await certified(folder, "second");
  const server = await apiServer(tls);
  const use = (files: typeof first): void => {
    copyFileSync(files.certificate, join(folder, "client.crt"));
    copyFileSync(files.key, join(folder, "client.key"));
  };
  use(first);
  const kubeconfig = kubeconfigOf({
    server: server.url,
    cluster: { "certificate-authority": first.certificate },
    user: { "client-certificate": join(folder, "client.crt"), "client-key": join(folder, "client.key") },
  });
  const kube = clientOf({ kubeconfig });
  await kube.get(ref);
  await kube.get(ref);
  await kube.get(ref);
  const before = ports(server);
  expect(new Set(before).size).toBeLessThan(before.length);
  use(second);
  await kube.get(ref);
  expect(before).not.toContain(ports(server).at(-1));
});
