import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SECRET_LEDGER_ANNOTATION } from "../../core/kbs-config/entries.ts";
import { mergeGrants } from "../../core/policy/grants.ts";
import { parseRegistry } from "../../core/policy/registry.ts";
import { generationFacts, generations, trusteeNames } from "../../core/trustee/generation.ts";
import { ownerAnnotations, ownerLabels } from "../../core/trustee/ownership.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { TestCluster } from "./cluster.ts";
import { Engine, type TestResource } from "./engine.ts";
import { stackGrants } from "../fixtures/grants.ts";

const STACK = "organization/project/dev";

interface Volumes {
  readonly volumes?: readonly { readonly secret?: { readonly secretName: string } }[];
}

describe.each(generations)("a secret that a stack serves, on Trustee %s", (generation) => {
  const { policyKey } = generationFacts[generation];
  let cluster: TestCluster;
  let engine: Engine;
  /** Secrets that were served without a restriction, and when. */
  let open: string[];
  let reads: number;
  /** The stack's identity, as inputs. */
  let who: PropertyMap;

  /** The Secrets that a pod of the KBS mounts, also deleted ones. Terminating pods count. */
  function served(): readonly string[] {
    const mounted = cluster
      .list("Pod")
      .flatMap(({ spec }) => (spec as Volumes).volumes ?? [])
      .flatMap(({ secret }) => (secret === undefined ? [] : [secret.secretName]));
    return [...new Set(mounted)].filter((name) => /^(made|there)-/.test(name));
  }

  function look(): void {
    const policy = cluster
      .list("ConfigMap")
      .find(({ metadata }) => metadata.name === trusteeNames.resourcePolicy);
    const text = (policy?.["data"] as Readonly<Record<string, string>> | undefined)?.[policyKey] ?? "";
    const { others, secrets } = mergeGrants(parseRegistry(text)?.stacks ?? []);
    reads += served().length;
    if (others !== "deny") open.push(...served().filter((name) => !Object.hasOwn(secrets, name)));
  }

  const policyOf = (...names: readonly string[]): PropertyMap => ({
    namespace: cluster.namespace,
    configMap: trusteeNames.resourcePolicy,
    candidateKeys: [generationFacts[generation].policyKey],
    policy: stackGrants(STACK, Object.fromEntries(names.map((name) => [name, {}]))),
    registered: [...names],
    timeoutMinutes: 1,
    ...who,
  });
  const entryOf = (secret: string): PropertyMap => ({
    namespace: cluster.namespace,
    kbsConfig: trusteeNames.kbsConfig,
    secret,
    secretIsCreated: true,
    ...who,
  });
  const create = (name: string): void => {
    const annotations = ownerAnnotations({ stack: STACK, ...who });
    cluster.secret(name, { key: "value" }, { labels: ownerLabels, annotations });
  };
  const rolledOut = (): void => {
    cluster.clock.advance(1_000);
    cluster.rolledOut(trusteeNames.deployment);
  };

  async function up(...names: readonly string[]) {
    const policy = engine.resource("ResourcePolicy", "policy");
    await policy.up(policyOf(...names));
    const entries = names.map((name) => engine.resource("KbsSecretEntry", name));
    for (const [index, name] of names.entries()) {
      create(name);
      await entries[index]?.up(entryOf(name));
    }
    rolledOut();
    expect(served()).toEqual([...names]);
    return { policy, entries };
  }

  /** The same for Secrets of others, which the stack lists. Its policy is applied before. */
  async function upExisting(more: PropertyMap, ...names: readonly string[]) {
    const policy = engine.resource("ResourcePolicy", "policy");
    await policy.up({ ...policyOf(...names), ...more });
    const entries = names.map((name) => engine.resource("KbsSecretEntry", name));
    for (const [index, name] of names.entries()) {
      cluster.secret(name, { key: "value" });
      await entries[index]?.up({ ...entryOf(name), secretIsCreated: false });
    }
    rolledOut();
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
    who = {};
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

  /** The record on the KbsConfig without a secret. */
  async function ledgerWithout(secret: string): Promise<string> {
    const { metadata } = await cluster.get("KbsConfig", trusteeNames.kbsConfig);
    const ledger = JSON.parse(metadata.annotations?.[SECRET_LEDGER_ANNOTATION] ?? "{}") as Record<
      string,
      unknown
    >;
    return JSON.stringify(Object.fromEntries(Object.entries(ledger).filter(([name]) => name !== secret)));
  }

  /** Lists the Secret by hand, before the stack restricts it. */
  async function listedByHand(name: string): Promise<TestResource> {
    const listed = (await cluster.entries(trusteeNames.kbsConfig)) as readonly string[];
    create(name);
    const policy = engine.resource("ResourcePolicy", "policy");
    await policy.up(policyOf(name));
    await cluster.setEntries(trusteeNames.kbsConfig, [...listed, name]);
    rolledOut();
    return policy;
  }

  test("stays restricted while another client lists it and it exists or is served, and the next run releases it", async () => {
    const listed = (await cluster.entries(trusteeNames.kbsConfig)) as readonly string[];
    const policy = await listedByHand("made-a");
    await policy.up(policyOf());
    expect(await text()).toContain('"made-a":{}');
    // The operator cannot roll out a KBS with a Secret that does not exist: its pod keeps the values.
    cluster.delete("Secret", "made-a");
    expect((await policy.up(policyOf())).op).toBe("update");
    expect(engine.messages("INFO")).toContain(
      "drift: the policy still restricts made-a, which this stack no longer declares",
    );
    expect({ served: served(), text: await text() }).toMatchObject({
      served: ["made-a"],
      text: expect.stringContaining('"made-a":{}') as unknown,
    });
    await cluster.setEntries(trusteeNames.kbsConfig, listed);
    await policy.up(policyOf());
    expect(await text()).not.toContain("made-a");
  });

  test.each(["deleted", "kept"])(
    "on destroy, stays restricted while another client lists it and the KBS serves it: %s",
    async (how) => {
      const [before, listed] = [await text(), await cluster.entries(trusteeNames.kbsConfig)];
      const policy = await listedByHand("made-a");
      if (how === "deleted") cluster.delete("Secret", "made-a");
      await expect(policy.destroy()).rejects.toThrow(
        `TA842 The KBS of Deployment "${trusteeNames.deployment}" in namespace "${cluster.namespace}" may still serve "made-a", ` +
          `which this stack no longer declares: KbsConfig "${trusteeNames.kbsConfig}" still lists it, and its records do not show that only this stack added the entry.\n` +
          "The policy still restricts it. Fix: in the other stack that declares the secret, grant or remove it, and run pulumi up. " +
          `If no stack declares it, remove the entry: kubectl edit kbsconfig ${trusteeNames.kbsConfig} -n ${cluster.namespace}. ` +
          "Then run the same command again: it continues.",
      );
      expect(await text()).toContain('"made-a":{}');
      await cluster.setEntries(trusteeNames.kbsConfig, listed as readonly string[]);
      await policy.destroy();
      expect({ served: served(), text: await text() }).toEqual({ served: [], text: before });
    },
  );

  test("on destroy, is released if another stack restricts and lists it", async () => {
    const policy = await listedByHand("made-a");
    const other = await Engine.start(cluster, { stack: "other" });
    const theirs = other.resource("ResourcePolicy", "policy");
    await theirs.up({
      ...policyOf("made-a"),
      policy: stackGrants("organization/project/other", { "made-a": {} }),
    });
    await policy.destroy();
    expect(await text()).not.toContain(STACK);
    await other.stop();
  });

  test("of a lost state stays restricted until it is not served, if the stack that takes over does not declare it", async () => {
    who = { identity: "lost" };
    await up("made-a", "made-b", "made-c");
    cluster.secret("kbsres2");
    await engine.resource("KbsSecretEntry", "kbsres2").up({ ...entryOf("kbsres2"), secretIsCreated: false });
    await cluster.patch("KbsConfig", trusteeNames.kbsConfig, {
      metadata: { annotations: { [SECRET_LEDGER_ANNOTATION]: await ledgerWithout("made-c") } },
    });
    const successor = await Engine.start(cluster, { takeOver: true });
    who = { identity: "mine" };
    const policy = successor.resource("ResourcePolicy", "policy");
    await policy.up(policyOf("made-a"));
    expect(served()).toEqual(["made-a", "made-c"]);
    expect(await text()).not.toContain("made-b");
    expect(await cluster.entries(trusteeNames.kbsConfig)).not.toContain("kbsres2");
    // Somebody else lists it.
    expect(await text()).toContain('"made-c":{}');
    await successor.configure({ kubeconfig: cluster.kubeconfig });
    await policy.up(policyOf("made-a"));
    expect(await text()).toContain('"made-c":{}');
    await successor.stop();
  });

  test("stays restricted until it is not served, if it exists and this stack listed it, even without the record", async () => {
    const { policy, entries } = await upExisting({}, "there-a", "there-b");
    // The state of an older release does not say what others have listed: a refresh adds it, without a change.
    const { foreign: _, ...outputs } = policy.state?.outputs ?? {};
    if (policy.state !== undefined) policy.state = { ...policy.state, outputs };
    expect((await policy.up(policyOf("there-a", "there-b"))).op).toBe("same");
    await cluster.patch("KbsConfig", trusteeNames.kbsConfig, {
      metadata: { annotations: { [SECRET_LEDGER_ANNOTATION]: null } },
    });
    await policy.up(policyOf("there-a"));
    expect(await text()).toContain('"there-b":{}');
    expect(engine.messages("WARNING")).toContain(
      `The policy still restricts "there-b" in namespace "${cluster.namespace}", which this stack no longer declares: ` +
        `KbsConfig "${trusteeNames.kbsConfig}" still lists it, and its records do not show that only this stack added the entry. This stack grants it to nobody. ` +
        "If the entry remains after this run: in the other stack that declares the secret, grant or remove it, and run pulumi up. " +
        `If no stack declares it, remove the entry: kubectl edit kbsconfig ${trusteeNames.kbsConfig} -n ${cluster.namespace}. Then run pulumi up of this stack.`,
    );
    // Pulumi deletes the entry at the end of the run.
    await entries[1]?.destroy();
    await policy.up(policyOf("there-a"));
    expect(served()).toEqual(["there-a"]);
    expect(await text()).not.toContain("there-b");
  });

  test.each(["removed", "destroyed", "taken over"])(
    "that only otherSecrets: deny closes stays restricted until it is not served: %s",
    async (how) => {
      const denied: PropertyMap = { policy: { stack: STACK, others: "deny", secrets: {} } };
      who = { identity: "lost" };
      const { policy } = await upExisting(denied, "there-a", "there-b");
      if (how === "removed") await policy.up(policyOf());
      if (how === "destroyed") await policy.destroy();
      if (how === "taken over") {
        const successor = await Engine.start(cluster, { takeOver: true });
        who = { identity: "mine" };
        await successor.resource("ResourcePolicy", "policy").up(policyOf());
        await successor.stop();
      }
      expect(served()).toEqual([]);
      expect(await text()).not.toContain("there-");
    },
  );

  test("an existing one that another client lists opens at once, because this stack does not own it", async () => {
    const policy = engine.resource("ResourcePolicy", "policy");
    await up("made-b");
    await policy.up(policyOf("kbsres1"));
    await policy.up(policyOf());
    expect(await text()).not.toContain("kbsres1");
  });
});
