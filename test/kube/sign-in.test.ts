import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { KubeClient } from "../../kube/client.ts";
import { loadCluster } from "../../kube/cluster.ts";
import { apiServer, folderWith, kubeconfigOf, ref, type ApiServer } from "./api-server.ts";

interface Plugin {
  readonly kube: (signal?: AbortSignal, requestTimeout?: number) => KubeClient;
  readonly server: ApiServer;
  readonly runs: () => number;
}

/** @param program what the plugin does beside counting its runs */
async function plugin(program: string): Promise<Plugin> {
  const server = await apiServer();
  const source = `require("node:fs").appendFileSync(__dirname + "/runs", "."); ${program}`;
  const folder = folderWith({ "plugin.cjs": source, runs: "" });
  const exec = { command: process.execPath, args: [join(folder, "plugin.cjs")] };
  const kubeconfig = kubeconfigOf({ server: `http://127.0.0.1:${server.port}`, user: { exec } });
  const config = loadCluster({ kubeconfig });
  return {
    kube: (signal = new AbortController().signal, requestTimeout?: number) =>
      new KubeClient(config, signal, undefined, undefined, requestTimeout),
    server,
    runs: () => readFileSync(join(folder, "runs"), "utf8").length,
  };
}

const PRINTS = `console.log(JSON.stringify({ status: { token: "of-plugin" } }));`;

test("requests that go out together sign in once", async () => {
  const { kube, server, runs } = await plugin(`setTimeout(() => { ${PRINTS} }, 200)`);
  await Promise.all(Array.from({ length: 10 }, () => kube().get(ref)));
  expect(runs()).toBe(1);
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(
    Array.from({ length: 10 }, () => "Bearer of-plugin"),
  );
});

test("a sign-in that fails does so for all that wait for it, and is tried again by the next request", async () => {
  const { kube, runs } = await plugin(`process.stderr.write("no badge"); process.exitCode = 1;`);
  const failed = await Promise.allSettled(Array.from({ length: 5 }, () => kube().get(ref)));
  for (const each of failed) {
    expect(each).toMatchObject({
      reason: { failure: "unauthorized", detail: "the kubeconfig's sign-in fails: no badge" },
    });
  }
  expect(runs()).toBe(1);
  await expect(kube().get(ref)).rejects.toThrow("no badge");
  expect(runs()).toBe(2);
});

test("a sign-in that is cancelled is not waited for, while others still are served by it", async () => {
  const { kube, runs } = await plugin(`setTimeout(() => { ${PRINTS} }, 1500)`);
  const abort = new AbortController();
  const cancelled = kube(abort.signal).get(ref);
  const other = kube().get(ref);
  await sleep(100);
  const started = performance.now();
  abort.abort();
  await expect(cancelled).rejects.toMatchObject({ failure: "aborted" });
  expect(performance.now() - started).toBeLessThan(200);
  expect(await other).toBeDefined();
  expect(runs()).toBe(1);
});

test("a sign-in may take longer than a request", async () => {
  const { kube } = await plugin(`setTimeout(() => { ${PRINTS} }, 1500)`);
  expect(await kube(undefined, 1000).get(ref)).toBeDefined();
});
