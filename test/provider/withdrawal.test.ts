import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mergeGrants } from "../../core/policy/grants.ts";
import { parseRegistry } from "../../core/policy/registry.ts";
import { generationFacts, generations, trusteeNames } from "../../core/trustee/generation.ts";
import { ownerAnnotations, ownerLabels } from "../../core/trustee/ownership.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";
import { stackGrants } from "../fixtures/grants.ts";

const STACK = "organization/project/dev";

interface Volumes {
  readonly volumes?: readonly { readonly secret?: { readonly secretName: string } }[];
}

describe.each(generations)("a secret that a stack creates, on Trustee %s", (generation) => {
  const { policyKey } = generationFacts[generation];
  let cluster: TestCluster;
  let engine: Engine;
  /** Secrets that were served without a restriction, and when. */
  let open: string[];
  let reads: number;

  /** The existing Secrets that a pod of the KBS mounts, including terminating pods. */
  function served(): readonly string[] {
    const there = new Set(cluster.list("Secret").map(({ metadata }) => metadata.name));
    const mounted = cluster
      .list("Pod")
      .flatMap(({ spec }) => (spec as Volumes).volumes ?? [])
      .flatMap(({ secret }) => (secret === undefined ? [] : [secret.secretName]));
    return [...new Set(mounted)].filter((name) => there.has(name) && name.startsWith("made"));
  }

  function look(): void {
    const policy = cluster
      .list("ConfigMap")
      .find(({ metadata }) => metadata.name === trusteeNames.resourcePolicy);
    const text = (policy?.["data"] as Readonly<Record<string, string>> | undefined)?.[policyKey] ?? "";
    const { secrets } = mergeGrants(parseRegistry(text)?.stacks ?? []);
    reads += served().length;
    open.push(...served().filter((name) => !Object.hasOwn(secrets, name)));
  }

  const policyOf = (...names: readonly string[]): PropertyMap => ({
    namespace: cluster.namespace,
    configMap: trusteeNames.resourcePolicy,
    candidateKeys: [generationFacts[generation].policyKey],
    policy: stackGrants(STACK, Object.fromEntries(names.map((name) => [name, {}]))),
    registered: [...names],
    timeoutMinutes: 1,
  });
  const entryOf = (secret: string): PropertyMap => ({
    namespace: cluster.namespace,
    kbsConfig: trusteeNames.kbsConfig,
    secret,
    secretIsCreated: true,
  });
  const create = (name: string): void => {
    cluster.secret(name, { key: "value" }, { labels: ownerLabels, annotations: ownerAnnotations(STACK) });
  };

  async function up(...names: readonly string[]) {
    const policy = engine.resource("ResourcePolicy", "policy");
    await policy.up(policyOf(...names));
    const entries = names.map((name) => engine.resource("KbsSecretEntry", name));
    for (const [index, name] of names.entries()) {
      create(name);
      await entries[index]?.up(entryOf(name));
    }
    cluster.clock.advance(1_000);
    cluster.rolledOut(trusteeNames.deployment);
    expect(served()).toEqual([...names]);
    return { policy, entries };
  }
  const text = async (): Promise<string> =>
    ((await cluster.data(trusteeNames.resourcePolicy)) as Readonly<Record<string, string>>)[policyKey] ?? "";

  beforeEach(async () => {
    cluster = await TestCluster.withTrustee(generation);
    engine = await Engine.start(cluster);
    open = [];
    reads = 0;
    cluster.watch(look);
  });
  afterEach(async () => {
    await engine.stop();
    expect({ open, reads: reads > 0 }).toEqual({ open: [], reads: true });
  });

  test("is restricted before it is served and until it is not, in one run of its removal", async () => {
    const { policy, entries } = await up("made-a", "made-b");
    const [, b] = entries;
    expect((await policy.preview(policyOf("made-a"))).op).toBe("update");
    await policy.up(policyOf("made-a"));
    expect(served()).toEqual(["made-a"]);
    expect(await text()).not.toContain("made-b");
    expect(await cluster.entries(trusteeNames.kbsConfig)).not.toContain("made-b");
    await b?.destroy();
    cluster.delete("Secret", "made-b");
    expect((await policy.up(policyOf("made-a"))).op).toBe("same");
  });

  test("stays restricted while the KBS serves it, and the next run continues", async () => {
    const { policy } = await up("made-a");
    await cluster.patch("Deployment", trusteeNames.deployment, { spec: { paused: true } });
    await expect(policy.up(policyOf())).rejects.toThrow(
      `TA842 The KBS of Deployment "${trusteeNames.deployment}" in namespace "${cluster.namespace}" may still serve "made-a", ` +
        "which this stack no longer declares: its rollouts are paused; resume them: " +
        `kubectl rollout resume deployment ${trusteeNames.deployment} -n ${cluster.namespace}.\n` +
        "The policy still restricts it, so nobody can read it. Fix the cause and run again: the run continues from there.",
    );
    expect(await text()).toContain('"made-a":{}');
    await cluster.patch("Deployment", trusteeNames.deployment, { spec: { paused: false } });
    await policy.up(policyOf());
    expect(await text()).not.toContain("made-a");
  });

  test("on destroy, the policy is removed once no KBS serves it, also if an older release's state deletes the policy first", async () => {
    const before = await text();
    const { policy, entries } = await up("made-a");
    await policy.destroy();
    expect({ served: served(), text: await text() }).toEqual({ served: [], text: before });
    for (const entry of entries) await entry.destroy();
    expect(await cluster.entries(trusteeNames.kbsConfig)).not.toContain("made-a");
  });

  test("stays restricted while another client lists it and it exists, and the next run releases it", async () => {
    const listed = (await cluster.entries(trusteeNames.kbsConfig)) as readonly string[];
    create("made-a");
    const policy = engine.resource("ResourcePolicy", "policy");
    await policy.up(policyOf("made-a"));
    await cluster.setEntries(trusteeNames.kbsConfig, [...listed, "made-a"]);
    cluster.clock.advance(1_000);
    cluster.rolledOut(trusteeNames.deployment);
    await policy.up(policyOf());
    expect(await text()).toContain('"made-a":{}');
    cluster.delete("Secret", "made-a");
    expect((await policy.up(policyOf())).op).toBe("update");
    expect(engine.messages("INFO")).toContain(
      "drift: it still restricts made-a, which this stack no longer declares",
    );
    expect(await text()).not.toContain("made-a");
  });

  test("an existing one that another client lists opens at once, because this stack does not own it", async () => {
    const policy = engine.resource("ResourcePolicy", "policy");
    await up("made-b");
    await policy.up(policyOf("kbsres1"));
    await policy.up(policyOf());
    expect(await text()).not.toContain("kbsres1");
  });
});
