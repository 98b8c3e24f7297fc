import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { GrantTable, StackGrants } from "../../core/policy/grants.ts";
import { parseRegistry } from "../../core/policy/registry.ts";
import { STACKS_ANNOTATION } from "../../core/policy/stack-records.ts";
import { trusteeNames } from "../../core/trustee/generation.ts";
import { MIGRATED_ANNOTATION, MIGRATED_VERSION } from "../../core/trustee/redhat.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { TestCluster } from "./cluster.ts";
import { Engine, type TestResource } from "./engine.ts";
import { redHatUpdate } from "./redhat.ts";
import { allKeys } from "../fixtures/grants.ts";

const POLICY = "policy";
const OLD = "policy.rego";
const NEW = "resource-policy.rego";
const STOCK = "package policy\n\ndefault allow = true\n";
const STOCK_12 = "package policy\nimport rego.v1\n\ndefault allow = false\n";
const [A, B] = ["aa".repeat(32), "bb".repeat(32)];

let cluster: TestCluster;
let engine: Engine;
let other: Engine;
let ours: TestResource;
let theirs: TestResource;

beforeEach(async () => {
  cluster = await TestCluster.open();
  cluster.kbsConfig(trusteeNames.kbsConfig, ["kbsres1"]);
  cluster.configMap(POLICY, { [OLD]: STOCK });
  engine = await Engine.start(cluster);
  other = await Engine.start(cluster, { stack: "other" });
  ours = engine.resource("ResourcePolicy");
  theirs = other.resource("ResourcePolicy");
});

afterEach(async () => {
  await engine.stop();
  await other.stop();
  cluster.stop();
});

const OUR_STACK = "org/trustee-access/dev";
const THEIR_STACK = "org/trustee-access/other";

const given = (stack: string, secrets: GrantTable, key = NEW): PropertyMap => ({
  namespace: cluster.namespace,
  configMap: POLICY,
  candidateKeys: [key],
  policy: { stack, others: "affirming", secrets } satisfies StackGrants,
});
const our = (key = NEW): PropertyMap => given(OUR_STACK, { "our-secret": allKeys({ [A]: "pod1" }) }, key);
const their = (key = NEW): PropertyMap =>
  given(THEIR_STACK, { "p2-secret": { key: { "azure-vtpm": { [B]: "pod2" } } } }, key);

async function bothUp(): Promise<void> {
  await ours.up(our(OLD));
  await theirs.up(their(OLD));
}

async function update(): Promise<void> {
  await redHatUpdate(cluster, { [POLICY]: { [NEW]: STOCK_12 } });
}

/** Each stack's line in the policy that Trustee reads. */
async function grants(key = NEW): Promise<unknown> {
  const { [key]: text = "" } = (await cluster.data(POLICY)) as Readonly<Record<string, string>>;
  const stacks = parseRegistry(text)?.stacks ?? [];
  return Object.fromEntries(stacks.map(({ stack, secrets }) => [stack, secrets]));
}

async function recorded(): Promise<string | undefined> {
  return (await cluster.get("KbsConfig", trusteeNames.kbsConfig)).metadata.annotations?.[STACKS_ANNOTATION];
}

const both = {
  [OUR_STACK]: { "our-secret": allKeys({ [A]: "pod1" }) },
  [THEIR_STACK]: { "p2-secret": { key: { "azure-vtpm": { [B]: "pod2" } } } },
};

describe("Red Hat's operator 1.2 has replaced our policy by the stock one", () => {
  test("a preview names the stacks with lost grants, and the backup", async () => {
    await bothUp();
    await update();
    expect((await ours.preview(our())).op).toBe("update");
    const backup = `its line is in ConfigMap "${POLICY}.v1.1"`;
    expect(engine.messages("WARNING")).toEqual([
      `The resource policy has lost the grants of other stacks: ${THEIR_STACK} (restricts p2-secret; ${backup}). ` +
        "Until the next pulumi up, every pod that the policy allows can read the secrets of these stacks. This up restricts them again. " +
        "If such a stack no longer exists: kubectl annotate kbsconfig trusteeconfig-kbs-config -n test " +
        `trustee-access/policy-stacks-, and remove ConfigMap "${POLICY}.v1.1".`,
    ]);
    expect(engine.messages("INFO")).toContain(
      `drift: Trustee now reads the key ${NEW} instead of ${OLD}; the policy has lost the grants of ` +
        `${OUR_STACK} (restricts our-secret; ${backup}); ${THEIR_STACK} (restricts p2-secret; ${backup})`,
    );
    expect(await grants()).toEqual({});
  });

  test("one up of any stack restores the grants of all, and the others' up changes nothing", async () => {
    await bothUp();
    const records = await recorded();
    await update();
    await ours.up(our());
    expect(await grants()).toEqual(both);
    const restored = await cluster.data(POLICY);
    await theirs.up(their());
    expect(await cluster.data(POLICY)).toEqual(restored);
    expect(await recorded()).toBe(records);
    expect((await ours.up(our())).op).toBe("same");
    expect((await theirs.up(their())).op).toBe("same");
  });

  test.each([
    ["after an up of each", true],
    ["if one has had no up since", false],
  ])("destroy restores the stock policy of 1.2, %s", async (_, each) => {
    await bothUp();
    await update();
    await ours.up(our());
    if (each) await theirs.up(their());
    await theirs.destroy();
    expect(await grants()).toEqual({ [OUR_STACK]: both[OUR_STACK] });
    await ours.destroy();
    expect(await cluster.data(POLICY)).toEqual({ [NEW]: STOCK_12 });
    expect(await recorded()).toBeUndefined();
  });

  test("a stack that was destroyed in between is not restored", async () => {
    await bothUp();
    await update();
    await theirs.destroy();
    await ours.up(our());
    expect(await grants()).toEqual({ [OUR_STACK]: both[OUR_STACK] });
    expect(engine.messages("WARNING")).toEqual([]);
  });

  test("grants that changed after the backup are not restored: no pod reads their secrets until that stack's up", async () => {
    await bothUp();
    await update();
    await ours.up(our());
    const changed = given(THEIR_STACK, { more: allKeys({ [B]: "pod2" }) });
    await theirs.up(changed);
    await cluster.edit(POLICY, { [NEW]: STOCK_12 });
    await ours.up(our());
    expect(await grants()).toEqual({ [OUR_STACK]: both[OUR_STACK], [THEIR_STACK]: { more: {} } });
    expect(engine.messages("WARNING").at(-1)).toContain(
      `This up restricts them again, but nobody can read the secrets of ${THEIR_STACK} until pulumi up of that stack.`,
    );
    await theirs.up(changed);
    expect(await grants()).toEqual({
      [OUR_STACK]: both[OUR_STACK],
      [THEIR_STACK]: { more: allKeys({ [B]: "pod2" }) },
    });
  });

  test.each([
    ["is reported if it has an entry in the KbsConfig", { "p2-secret": "other" }, both],
    [
      "is not reported if it has nothing left in Trustee",
      { "p2-secret": "third" },
      { [OUR_STACK]: both[OUR_STACK] },
    ],
  ])("a stack without a record, of an older release, %s", async (_, owners, expected) => {
    await bothUp();
    const ledger = Object.fromEntries(
      Object.entries(owners).map(([secret, stack]) => [
        secret,
        [`urn:pulumi:${stack}::trustee-access::trustee:index:KbsSecretEntry::${secret}`],
      ]),
    );
    await cluster.patch("KbsConfig", trusteeNames.kbsConfig, {
      metadata: {
        annotations: {
          [STACKS_ANNOTATION]: null,
          "trustee-access/kbs-secret-resources": JSON.stringify(ledger),
        },
      },
    });
    await update();
    await ours.up(our());
    expect(await grants()).toEqual(expected);
  });
});

describe("the policy was reset to the stock one by hand", () => {
  test("one stack's up restricts the others' secrets, which no pod reads until their own up", async () => {
    await bothUp();
    await cluster.edit(POLICY, { [OLD]: STOCK });
    await ours.up(our(OLD));
    expect(await grants(OLD)).toEqual({ ...both, [THEIR_STACK]: { "p2-secret": {} } });
    await theirs.up(their(OLD));
    expect(await grants(OLD)).toEqual(both);
    await ours.destroy();
    await theirs.destroy();
    expect(await cluster.data(POLICY)).toEqual({ [OLD]: STOCK });
    expect(await recorded()).toBeUndefined();
  });

  test("a single line that was removed by hand is restored without readers", async () => {
    await bothUp();
    const { [OLD]: text = "" } = (await cluster.data(POLICY)) as Readonly<Record<string, string>>;
    const without = text
      .split("\n")
      .filter((line) => !line.includes(THEIR_STACK))
      .join("\n");
    await cluster.edit(POLICY, { [OLD]: without });
    await ours.up(our(OLD));
    expect(await grants(OLD)).toEqual({ ...both, [THEIR_STACK]: { "p2-secret": {} } });
  });
});

test("if the previous key still exists, the other stacks' lines are restored from it", async () => {
  await bothUp();
  await cluster.edit(POLICY, { [NEW]: STOCK_12 });
  await ours.up(our());
  expect(await grants()).toEqual(both);
  await theirs.up(their());
  expect(await grants()).toEqual(both);
  await ours.destroy();
  await theirs.destroy();
  expect(await cluster.data(POLICY)).toEqual({ [OLD]: STOCK, [NEW]: STOCK_12 });
});

test("a record that was removed by hand shows as drift, and the next up of any stack restores all", async () => {
  await bothUp();
  const records = await recorded();
  await cluster.patch("KbsConfig", trusteeNames.kbsConfig, {
    metadata: { annotations: { [STACKS_ANNOTATION]: null } },
  });
  await ours.up(our(OLD));
  expect(engine.messages("INFO")).toEqual(["drift: the KbsConfig no longer records this stack's grants"]);
  expect(await recorded()).toBe(records);
  expect((await theirs.up(their(OLD))).op).toBe("same");
});

test("a stack is recorded before its line is added, until its line is removed", async () => {
  const seen: [string, boolean, boolean][] = [];
  cluster.watch(({ kind }) => {
    const map = cluster.list("ConfigMap").find(({ metadata }) => metadata.name === POLICY);
    const text = (map?.["data"] as Readonly<Record<string, string>> | undefined)?.[OLD] ?? "";
    const [kbsConfig] = cluster.list("KbsConfig");
    seen.push([
      String(kind),
      text.includes(OUR_STACK),
      kbsConfig?.metadata.annotations?.[STACKS_ANNOTATION] !== undefined,
    ]);
  });
  await ours.up(our(OLD));
  await ours.destroy();
  expect(seen).toEqual([
    ["KbsConfig", false, true],
    ["ConfigMap", true, true],
    // It marks the record: from now on nobody restores the line.
    ["KbsConfig", true, true],
    ["ConfigMap", false, true],
    ["KbsConfig", false, false],
  ]);
});

test("a stack that was renamed has one record", async () => {
  await ours.up(our(OLD));
  await ours.up(given("org/trustee-access/renamed", { "our-secret": allKeys({ [A]: "pod1" }) }, OLD));
  expect(JSON.parse((await recorded()) ?? "")).toMatchObject([{ stack: "org/trustee-access/renamed" }]);
});

describe("a lost line belongs to another stack of the same name", () => {
  const [mine, somebodys] = ["11".repeat(8), "22".repeat(8)];

  test("is refused, and the line is not replaced", async () => {
    await theirs.up({ ...their(OLD), identity: somebodys });
    await cluster.edit(POLICY, { [OLD]: STOCK });
    await expect(ours.up({ ...their(OLD), identity: mine })).rejects.toThrow(
      "the record of a line, which belongs to another stack of the same name",
    );
    expect(await cluster.data(POLICY)).toEqual({ [OLD]: STOCK });
  });

  test("a stack that was renamed in its backend keeps one line and one record, by its identity", async () => {
    await ours.up({ ...our(OLD), identity: mine });
    await cluster.edit(POLICY, { [OLD]: STOCK });
    const renamed = given("org/trustee-access/renamed", { "our-secret": allKeys({ [A]: "pod1" }) }, OLD);
    await ours.up({ ...renamed, identity: mine });
    expect(await grants(OLD)).toEqual({ "org/trustee-access/renamed": both[OUR_STACK] });
    expect(JSON.parse((await recorded()) ?? "")).toMatchObject([
      { stack: "org/trustee-access/renamed", identity: mine },
    ]);
  });
});

test("a policy prepared on 1.1, as preview and lint advise, survives the update: no stack loses its grants at any moment, and destroy restores each key", async () => {
  await bothUp();
  const { [OLD]: text = "" } = (await cluster.data(POLICY)) as Readonly<Record<string, string>>;
  // The advised command, then the update.
  await cluster.patch("ConfigMap", POLICY, {
    metadata: { annotations: { [MIGRATED_ANNOTATION]: MIGRATED_VERSION } },
    data: { [NEW]: text },
  });
  await update();
  expect(await grants()).toEqual(both);
  await ours.up(our());
  await theirs.up(their());
  expect(engine.messages("WARNING")).toEqual([]);
  expect(await grants()).toEqual(both);
  await ours.destroy();
  await theirs.destroy();
  expect(await cluster.data(POLICY)).toEqual({ [OLD]: STOCK, [NEW]: STOCK });
});
