import { afterAll, beforeAll, expect, test } from "vitest";
import type { PropertyMap } from "../../protocol/property-value.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";

const A = "aa".repeat(32);

let cluster: TestCluster;
let engine: Engine;
beforeAll(async () => {
  cluster = await TestCluster.open();
  engine = await Engine.start({
    kubeconfig: cluster.kubeconfig,
    now: () => new Date("2026-11-23T12:00:00Z"),
  });
});
afterAll(async () => {
  await engine.stop();
});

const subjects: readonly (readonly [string, string, string, PropertyMap])[] = [
  [
    "ConfigMapEntry",
    "policy.rego",
    "package policy\n",
    { policy: { stack: "org/p/dev", others: "affirming", secrets: { s: { "*": { [A]: "pod1" } } } } },
  ],
  ["ReferenceValues", "reference-values.json", "[]", { digests: { snp_pcr08: [A] }, validityDays: 365 }],
];

test.each(subjects)(
  "%s: drift that a killed run had mended already is still a change, so that a rollout follows",
  async (type, key, content, more) => {
    const configMap = type.toLowerCase();
    await cluster.configMap(configMap, { [key]: content });
    const resource = engine.resource(type);
    const inputs = { namespace: cluster.namespace, configMap, candidateKeys: [key], ...more };
    const { outputs: first } = await resource.up(inputs);
    await cluster.edit(configMap, { [key]: content });
    await resource.refresh();
    const seen = resource.state;

    const { outputs: noted } = await resource.up(inputs);
    // Killed right after its write: the state knows of the drift alone.
    resource.state = seen;
    const since = engine.messages("INFO").length;
    const again = await resource.up(inputs);
    expect(again).toMatchObject({ op: "update", diff: { drift: "update" } });
    expect(engine.messages("INFO").slice(since)).toStrictEqual([
      "not as it was left: mended since, but Trustee may not have seen that",
    ]);
    expect(again.outputs["revision"]).toBe(noted["revision"]);
    expect(again.outputs["revision"]).not.toBe(first["revision"]);
    expect((await resource.up(inputs)).op).toBe("same");
    await resource.destroy();
    expect(await cluster.data(configMap)).toStrictEqual({ [key]: content });
  },
);
