import { afterAll, beforeAll, expect, test } from "vitest";
import { unknown } from "../../protocol/property-value.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";

let cluster: TestCluster;
let engine: Engine;
let other: Engine;

beforeAll(async () => {
  cluster = await TestCluster.open();
  engine = await Engine.start({ kubeconfig: cluster.kubeconfig });
  other = await Engine.start({ kubeconfig: cluster.kubeconfig, stack: "other" });
  await cluster.secret("p2-secret");
});

afterAll(async () => {
  await engine.stop();
  await other.stop();
});

const inputs = (kbsConfig: string, secret = "p2-secret", secretIsCreated = false) => ({
  namespace: cluster.namespace,
  kbsConfig,
  secret,
  secretIsCreated,
});

test("appends a name, and takes it out again on destroy", async () => {
  await cluster.kbsConfig("append", ["b", "a"]);
  const entry = engine.resource("KbsSecretEntry");
  const preview = await entry.preview(inputs("append"));
  expect(preview).toStrictEqual({
    op: "create",
    diff: {},
    outputs: {
      ...inputs("append"),
      drift: "none",
      added: true,
      present: true,
      revision: unknown,
      owner: entry.urn,
    },
  });
  expect(await cluster.entries("append")).toStrictEqual(["b", "a"]);

  await entry.up(inputs("append"));
  expect(await cluster.entries("append")).toStrictEqual(["b", "a", "p2-secret"]);
  expect(await entry.up(inputs("append"))).toMatchObject({ op: "same", diff: {} });

  await entry.destroy();
  expect(await cluster.entries("append")).toStrictEqual(["b", "a"]);
});
