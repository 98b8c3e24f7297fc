import { beforeAll, describe, expect, test } from "vitest";
import { generationFacts, generations, trusteeNames } from "../../core/trustee/generation.ts";
import { FIELD_MANAGER } from "../../kube/client.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";
import { A } from "./reference-values-fixtures.ts";
import { kbsRollout, plainDeployment } from "./rollout-inputs.ts";
import { expectAllNew, podsOf } from "./rollout-pods.ts";
import { stackGrants } from "../fixtures/grants.ts";

describe.each(generations)(
  "a KBS that cannot start with the content that destroy restores, with the operator of Trustee %s",
  (generation) => {
    const { policyKey, referenceValuesKey } = generationFacts[generation];
    let cluster: TestCluster;
    let engine: Engine;
    beforeAll(async () => {
      cluster = await TestCluster.withTrustee(generation);
      engine = await Engine.start(cluster);
      return async () => engine.stop();
    });

    /** What the KBS needs to start: the policy in a folder, the reference values as a file. */
    const needed = {
      "0.18": { configMap: trusteeNames.resourcePolicy, says: "has none of the keys" },
      "0.21": { configMap: trusteeNames.referenceValues, says: `has no key "${referenceValuesKey}"` },
    }[generation];

    test("status lines name the reason; destroy ends with a warning", async () => {
      const { configMap, says } = needed;
      const key = generation === "0.18" ? policyKey : referenceValuesKey;
      const original = ((await cluster.data(configMap)) as Record<string, string>)[key] ?? "";
      const last = engine.resource("Rollout", "last");
      await last.up(kbsRollout({}, [], { onDelete: true }));
      // A write that only removes something would leave no time in managedFields.
      await cluster.edit(configMap, { [key]: null, removed: key });
      const rollout = engine.resource("Rollout");
      await expect(rollout.up(kbsRollout({ a: "1" }, [], { timeoutMinutes: 0.8 }))).rejects.toThrow(
        new RegExp(
          `not done within 0.8 minutes \\(trustee\\.rolloutTimeoutMinutes\\)\\.\\n  - ConfigMap "${configMap}" ${says}`,
        ),
      );
      expect(engine.statuses.at(-1)).toContain(`its rollout is under way; ConfigMap "${configMap}" ${says}`);
      const since = engine.messages("WARNING").length;
      const start = cluster.clock.elapsed();
      await last.destroy();
      expect(cluster.clock.elapsed() - start).toBeLessThan(60_000);
      expect(engine.messages("WARNING").slice(since)).toStrictEqual([
        expect.stringContaining(
          `The KBS of Deployment "${trusteeNames.deployment}" in namespace "${trusteeNames.namespace}" cannot start with the content from before this stack`,
        ),
      ]);
      expect(engine.messages("WARNING").at(-1)).toContain(`\n  - ConfigMap "${configMap}" ${says}`);
      await cluster.edit(configMap, { [key]: original, removed: null });
      await rollout.up(kbsRollout({ a: "2" }));
    });
  },
);

test("pods are replaced even if there was no key originally", async () => {
  const cluster = await TestCluster.open();
  const engine = await Engine.start(cluster);
  cluster.configMap("empty", undefined, { immutable: false });
  plainDeployment(cluster, "emptied", { app: "plain", name: "emptied" });
  cluster.rolledOut("emptied");
  const inputs = {
    namespace: cluster.namespace,
    deployment: "emptied",
    changes: { a: "1" },
    after: [{ kind: "ConfigMap", name: "empty" }],
    secrets: [],
    timeoutMinutes: 1,
  };
  const last = engine.resource("Rollout", "last");
  await last.up({ ...inputs, changes: {}, onDelete: true });
  const entry = engine.resource("ResourcePolicy");
  await entry.up({
    namespace: cluster.namespace,
    configMap: "empty",
    candidateKeys: ["a"],
    policy: stackGrants("org/p/dev", { s: { "*": { "azure-vtpm": { [A]: "pod1" } } } }),
  });
  await engine.resource("Rollout").up(inputs);
  const managers = async () => {
    const { managedFields = [] } = (await cluster.get("ConfigMap", "empty")).metadata;
    return managedFields.map(({ manager }) => manager);
  };
  expect(await managers()).toStrictEqual(["kubectl", FIELD_MANAGER]);
  const before = await podsOf(cluster, "plain");
  cluster.clock.advance(1_100);
  await entry.destroy();
  expect(await managers()).toStrictEqual(["kubectl"]);
  await last.destroy();
  expectAllNew(await podsOf(cluster, "plain"), before);
  await engine.stop();
  cluster.stop();
});
