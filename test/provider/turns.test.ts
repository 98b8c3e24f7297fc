import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { faultyBench } from "./bench.ts";

/** Pulumi's parallelism on a machine with 12 cores. */
const SECRETS = Array.from({ length: 48 }, (_, index) => `secret-${String(index).padStart(2, "0")}`);

const { cluster, engine, proxy } = await faultyBench();
for (const name of SECRETS) cluster.secret(name);

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
