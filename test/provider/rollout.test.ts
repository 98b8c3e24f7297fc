import { beforeEach, describe, expect, test } from "vitest";
import { generationFacts, generations, trusteeNames } from "../../core/trustee/generation.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";
import { kbsRollout } from "./rollout-inputs.ts";
import { expectAllNew, podsOf } from "./rollout-pods.ts";

describe.each(generations)("with the operator of Trustee %s", (generation) => {
  let cluster: TestCluster;
  let engine: Engine;
  const { policyKey } = generationFacts[generation];
  let count = 0;

  beforeEach(async () => {
    cluster = await TestCluster.withTrustee(generation);
    engine = await Engine.start(cluster);
    return async () => engine.stop();
  });

  const changePolicy = async (): Promise<void> => {
    await cluster.edit(trusteeNames.resourcePolicy, {
      [policyKey]: `package policy\n# ${Date.now()} ${(count += 1)}\n`,
    });
  };

  test("a changed policy: the pods are replaced once", async () => {
    const before = await podsOf(cluster);
    await changePolicy();
    const rollout = engine.resource("Rollout");
    expect((await rollout.preview(kbsRollout({ policy: "1" }))).op).toBe("create");
    expect((await rollout.up(kbsRollout({ policy: "1" }))).op).toBe("create");
    const after = await podsOf(cluster);
    expectAllNew(after, before);
    expect((await rollout.up(kbsRollout({ policy: "1" }))).op).toBe("same");
    expect(engine.statuses.at(-1)).toBe(
      `${trusteeNames.deployment}: 1 of 1 KBS pods run the new configuration`,
    );

    // A second run for the same change finds it done, for example after a killed run.
    expect((await rollout.up(kbsRollout({ policy: "2" }))).op).toBe("update");
    expect(await podsOf(cluster)).toStrictEqual(after);
    // Other inputs alone restart nothing.
    expect((await rollout.up(kbsRollout({ policy: "2" }, [], { timeoutMinutes: 3 }))).op).toBe("update");
    expect(await podsOf(cluster)).toStrictEqual(after);
    await rollout.destroy();
    expect(await podsOf(cluster)).toStrictEqual(after);
  });

  test("waits until the previous pod has ended, and a failure names it", async () => {
    const [previous] = await podsOf(cluster);
    const name = previous?.name ?? "";
    await cluster.patch("Pod", name, { metadata: { finalizers: ["example.com/hold"] } });
    await changePolicy();
    const rollout = engine.resource("Rollout");
    await expect(rollout.up(kbsRollout({ policy: "1" }))).rejects.toThrow(
      "did not complete: not done within 2 minutes (trustee.rolloutTimeoutMinutes).\n" +
        `  - pod ${name} has not ended, although it was deleted: it may answer with the previous configuration. If its node is lost and switched off: kubectl delete pod ${name} -n ${cluster.namespace} --force\n` +
        "Everything written so far is kept.",
    );
    expect(engine.statuses.at(-1)).toBe(
      `${trusteeNames.deployment}: 1 of 1 KBS pods run the new configuration; ${name} runs the previous configuration, and is ending`,
    );
    await cluster.patch("Pod", name, { metadata: { finalizers: null } });
    const replaced = await podsOf(cluster);
    expect((await rollout.up(kbsRollout({ policy: "1" }))).op).toBe("create");
    expect(await podsOf(cluster)).toStrictEqual(replaced);
  });

  test("another client's restart is no drift", async () => {
    const rollout = engine.resource("Rollout");
    await rollout.up(kbsRollout({ policy: "1" }));
    cluster.restart(trusteeNames.deployment);
    expect((await rollout.up(kbsRollout({ policy: "1" }))).op).toBe("same");
    cluster.rolledOut(trusteeNames.deployment);
    expect((await rollout.up(kbsRollout({ policy: "1" }))).op).toBe("same");
  });

  test("a new entry: waits until the operator has mounted the secret", async () => {
    const name = `new-${Date.now()}`;
    cluster.secret(name, { key: "value" });
    const entry = engine.resource("KbsSecretEntry", name);
    await entry.up({
      namespace: cluster.namespace,
      kbsConfig: trusteeNames.kbsConfig,
      secret: name,
      secretIsCreated: true,
    });
    const rollout = engine.resource("Rollout");
    await rollout.up(kbsRollout({ secret: "1" }, [name]));
    const [pod] = await podsOf(cluster);
    const { spec } = await cluster.get("Pod", pod?.name ?? "");
    const { volumes } = spec as { volumes: readonly { secret?: { secretName: string } }[] };
    expect(volumes.map(({ secret }) => secret?.secretName)).toContain(name);

    // The operator of 0.21 creates no new pod for a changed value.
    const before = await podsOf(cluster);
    cluster.secret(name, { key: "value 2" });
    await rollout.up(kbsRollout({ secret: "2" }, [name]));
    expectAllNew(await podsOf(cluster), before);

    // On destroy: the operator rolls out the entry's removal, and we roll out the restored content.
    const last = engine.resource("Rollout", "last");
    await last.up(kbsRollout({}, [], { onDelete: true }));
    const pods = await podsOf(cluster);
    await entry.destroy();
    cluster.delete("Secret", name);
    await changePolicy();
    await last.destroy();
    expectAllNew(await podsOf(cluster), pods);
  });

  test("a failure names a listed Secret that does not exist", async () => {
    cluster.secret("blocked");
    const before = (await cluster.entries(trusteeNames.kbsConfig)) as string[];
    await cluster.setEntries(trusteeNames.kbsConfig, [...before, "not-there", "blocked"]);
    const rollout = engine.resource("Rollout");
    await expect(rollout.up(kbsRollout({ a: "1" }, ["blocked"], { timeoutMinutes: 0.04 }))).rejects.toThrow(
      `TA841 The rollout of Deployment "${trusteeNames.deployment}" in namespace "${trusteeNames.namespace}" did not complete: ` +
        "not done within 0.04 minutes (trustee.rolloutTimeoutMinutes).\n" +
        `  - KbsConfig ${trusteeNames.kbsConfig} lists Secret "not-there", which does not exist: the operator cannot reconcile\n` +
        "Everything written so far is kept. Fix the cause and run again: the rollout continues, and restarts no pod twice.",
    );
    expect(engine.statuses.at(-1)).toContain('the operator has not mounted "blocked" yet');
  });

  test("a failure names a listed Secret that is no volume name, and quotes the operator", async () => {
    cluster.secret("my.secret");
    const before = (await cluster.entries(trusteeNames.kbsConfig)) as string[];
    await cluster.setEntries(trusteeNames.kbsConfig, [...before, "my.secret"]);
    cluster.apply({
      kind: "Event",
      metadata: { name: "refused" },
      type: "Warning",
      reason: "ReconcileError",
      message: "spec.template.spec.volumes[16].name: Invalid value",
      involvedObject: { kind: "KbsConfig", name: trusteeNames.kbsConfig },
    });
    const rollout = engine.resource("Rollout");
    const up = rollout.up(kbsRollout({ a: "2" }, ["my.secret"], { timeoutMinutes: 1 }));
    await expect(up).rejects.toThrow(
      `  - KbsConfig ${trusteeNames.kbsConfig} lists Secret "my.secret", which contains a dot, which volume names must not: ` +
        "the API server refuses a volume of that name, so it refuses every write of the operator\n" +
        `  - event of ${trusteeNames.kbsConfig}: ReconcileError spec.template.spec.volumes[16].name: Invalid value\n`,
    );
    // The status names it already during the wait.
    expect(engine.statuses.at(-1)).toContain(
      `the operator has not mounted "my.secret" yet; KbsConfig ${trusteeNames.kbsConfig} lists Secret "my.secret", which contains a dot`,
    );
    await cluster.setEntries(trusteeNames.kbsConfig, before);
  });
});

describe("a Deployment without an operator", () => {
  let cluster: TestCluster;
  let engine: Engine;

  beforeEach(async () => {
    cluster = await TestCluster.open();
    engine = await Engine.start(cluster);
    cluster.configMap("policy", { a: "b" });
    return async () => engine.stop();
  });

  const deploy = (name: string, replicas: number, template: object = {}, spec: object = {}): void => {
    const labels = { app: "plain", name };
    cluster.apply({
      kind: "Deployment",
      metadata: { name },
      spec: {
        replicas,
        selector: {
          matchLabels: { name },
          matchExpressions: [{ key: "app", operator: "In", values: ["plain", "x"] }],
        },
        template: {
          metadata: { labels, ...template },
          spec: { containers: [{ name: "c", image: "i" }], ...spec },
        },
      },
    });
  };
  const inputs = (deployment: string, more: PropertyMap = {}) => ({
    namespace: cluster.namespace,
    deployment,
    changes: { a: "1" },
    after: [{ kind: "ConfigMap", name: "policy" }],
    secrets: [],
    timeoutMinutes: 1,
    ...more,
  });
  const touch = () => cluster.edit("policy", { a: String(Date.now()) });
  const versions = (version: string) => ({
    annotations: { "kbs.confidentialcontainers.org/configmap-versions": `policy:${version}` },
  });

  test("pods with a disruption budget are evicted one after the other", async () => {
    const { resourceVersion = "" } = (await cluster.get("ConfigMap", "policy")).metadata;
    cluster.secret("value", { a: "1" });
    deploy("evicted", 2, versions(resourceVersion));
    cluster.rolledOut("evicted");
    cluster.apply({
      kind: "PodDisruptionBudget",
      metadata: { name: "evicted" },
      spec: { minAvailable: 1, selector: { matchLabels: { name: "evicted" } } },
    });
    cluster.secret("value", { a: "2" });
    const since = engine.statuses.length;
    const before = await podsOf(cluster, "plain");
    await engine.resource("Rollout").up(inputs("evicted", { after: [{ kind: "Secret", name: "value" }] }));
    expectAllNew(await podsOf(cluster, "plain"), before);
    const counts = engine.statuses.slice(since).map((status) => /: (\d of \d)/.exec(status)?.[1]);
    expect([...new Set(counts.filter((each) => each !== undefined))]).toStrictEqual([
      "0 of 2",
      "1 of 2",
      "2 of 2",
    ]);
  });

  test("another pod with the same labels does not change", async () => {
    deploy("labelled", 1);
    cluster.rolledOut("labelled");
    cluster.apply({
      kind: "Pod",
      metadata: { name: "bystander", labels: { app: "plain", name: "labelled" } },
      spec: { containers: [{ name: "c", image: "i" }] },
    });
    await touch();
    await engine.resource("Rollout").up(inputs("labelled"));
    expect((await cluster.get("Pod", "bystander")).metadata.deletionTimestamp).toBeUndefined();
  });

  test("cancel ends the wait at once", async () => {
    deploy("cancelled", 1, {}, { nodeSelector: { nowhere: "1" } });
    const up = engine.resource("Rollout").up(inputs("cancelled", { timeoutMinutes: 600 }));
    const ended = expect(up).rejects.toThrow("1 CANCELLED: cancelled before it was done");
    await expect.poll(() => engine.statuses.length).toBeGreaterThan(0);
    const start = performance.now();
    await engine.cancel();
    await ended;
    expect(performance.now() - start).toBeLessThan(500);
  });

  test("a timeout of the resource is explained", async () => {
    deploy("unschedulable", 1, {}, { nodeSelector: { nowhere: "1" } });
    const rollout = engine.resource("Rollout");
    const want = inputs("unschedulable", { timeoutMinutes: 600 });
    const { message } = await rollout.up(want, 0.5).then(
      () => new Error("it was done"),
      (thrown: unknown) => thrown as Error,
    );
    const [, pod = "no pod"] = /pod (unschedulable-\S+) is/.exec(message) ?? [];
    expect(message).toContain(
      `TA841 The rollout of Deployment "unschedulable" in namespace "${cluster.namespace}" did not complete: ` +
        "not done within its timeout of 0.5 s; raise it with the resource option customTimeouts.\n" +
        `  - pod ${pod} is not scheduled: Unschedulable `,
    );
    expect(message).toContain(`  - event of ${pod}: FailedScheduling `);
  });

  test("paused rollouts fail at once", async () => {
    deploy("paused", 1);
    cluster.rolledOut("paused");
    await cluster.patch("Deployment", "paused", { spec: { paused: true } });
    await touch();
    await expect(engine.resource("Rollout").up(inputs("paused"))).rejects.toThrow(
      `TA841 The rollout of Deployment "paused" in namespace "${cluster.namespace}" did not complete: ` +
        `its rollouts are paused; resume them: kubectl rollout resume deployment paused -n ${cluster.namespace}.\n` +
        "Everything written so far is kept. Fix the cause and run again: the rollout continues, and restarts no pod twice.",
    );
  });

  test("a missing Deployment or object is an error; after its deletion the resource is gone, and its delete succeeds", async () => {
    const rollout = engine.resource("Rollout");
    const message = `TA804 There is no Deployment "nowhere" in namespace "${cluster.namespace}". Install Trustee first, or correct the name.`;
    await expect(rollout.preview(inputs("nowhere"))).rejects.toThrow(message);
    await expect(rollout.up(inputs("nowhere"))).rejects.toThrow(message);
    deploy("going", 0);
    const after = [{ kind: "Secret", name: "nowhere" }];
    await expect(rollout.up(inputs("going", { after }))).rejects.toThrow(
      `TA804 There is no Secret "nowhere" in namespace "${cluster.namespace}". The KBS must read it. Create it, then run again.`,
    );
    await rollout.up(inputs("going", { onDelete: true, after }));
    cluster.delete("Deployment", "going");
    const { state } = rollout;
    expect(await rollout.refresh()).toBe(false);
    rollout.state = state;
    await rollout.destroy();
  });
});
