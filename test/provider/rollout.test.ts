import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generationFacts, generations, trusteeNames } from "../../core/trustee/generation.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";

describe.each(generations)("Trustee %s", (generation) => {
  let cluster: TestCluster;
  let engine: Engine;

  beforeAll(async () => {
    cluster = await TestCluster.open(generation, trusteeNames.namespace);
    engine = await Engine.start({ kubeconfig: cluster.kubeconfig });
  });
  afterAll(async () => {
    await engine.stop();
  });

  const inputs = (changes: Record<string, string>, secrets: string[] = []) => ({
    namespace: trusteeNames.namespace,
    deployment: trusteeNames.deployment,
    changes,
    after: [
      { kind: "ConfigMap", name: trusteeNames.resourcePolicy },
      { kind: "ConfigMap", name: trusteeNames.referenceValues },
      ...secrets.map((name) => ({ kind: "Secret", name })),
    ],
    secrets,
    timeoutMinutes: 2,
  });
  const pods = async (): Promise<string[]> =>
    (await cluster.kube.list("Pod", cluster.namespace, "app=kbs")).map((pod) => pod.metadata.name).sort();

  test("replaces the pods once for a change", async () => {
    const before = await pods();
    await cluster.edit(trusteeNames.resourcePolicy, {
      [generationFacts[generation].policyKey]: `package policy\n# ${Date.now()}\n`,
    });
    const rollout = engine.resource("Rollout");
    const first = await rollout.up(inputs({ policy: "1" }));
    expect(first.op).toBe("create");
    const after = await pods();
    expect(after.filter((name) => before.includes(name))).toStrictEqual([]);
    expect((await rollout.up(inputs({ policy: "1" }))).op).toBe("same");
    expect((await rollout.up(inputs({ policy: "2" }))).op).toBe("update");
    expect(await pods()).toStrictEqual(after);
    await rollout.destroy();
    console.log(engine.statuses);
  });
});
