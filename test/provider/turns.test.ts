import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FaultProxy } from "../support/fault-proxy.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";

/** Pulumi's parallelism on a machine with 12 cores. */
const SECRETS = Array.from({ length: 48 }, (_, index) => `secret-${String(index).padStart(2, "0")}`);

let cluster: TestCluster;
let proxy: FaultProxy;
let engine: Engine;

beforeAll(async () => {
  cluster = await TestCluster.open();
  proxy = await FaultProxy.start(cluster.kubeconfig);
  engine = await Engine.start(cluster, { kubeconfig: proxy.kubeconfig });
  for (const name of SECRETS) cluster.secret(name);
});
afterAll(async () => {
  await engine.stop();
  cluster.stop();
  proxy.stop();
});

test("many entries of one list, written at once over a slow network, do not conflict with each other", async () => {
  cluster.kbsConfig("many", ["others"]);
  proxy.fault = () => ({ before: async () => sleep(5) });
  const entries = SECRETS.map((secret) => ({ secret, resource: engine.resource("KbsSecretEntry", secret) }));
  await Promise.all(
    entries.map(({ secret, resource }) =>
      resource.up({ namespace: cluster.namespace, kbsConfig: "many", secret, secretIsCreated: false }),
    ),
  );
  const [first, ...added] = (await cluster.entries("many")) as readonly string[];
  expect(first).toBe("others");
  expect(added.sort()).toStrictEqual(SECRETS);
  const writes = proxy.calls.filter(
    ({ method, path }) => method === "PATCH" && path.includes("/kbsconfigs/"),
  );
  expect(writes.length).toBe(SECRETS.length);
  await Promise.all(entries.map(({ resource }) => resource.destroy()));
  expect(await cluster.entries("many")).toStrictEqual(["others"]);
}, 120_000);
