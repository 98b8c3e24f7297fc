import { describe, expect, test } from "vitest";
import type { StackGrants } from "../../core/policy/grants.ts";
import { ownerMark } from "../../core/policy/owner.ts";
import { renderWidePolicy } from "../../core/policy/render.ts";
import { joinPolicy } from "../../core/policy/share.ts";
import { unknown, type PropertyMap } from "../../provider/protocol/property-value.ts";
import { bench } from "./bench.ts";
import { allKeys } from "../fixtures/grants.ts";

const { cluster, engine, other } = await bench();

const STOCK = "package policy\n\ndefault allow = true\n";
const OLD = "policy.rego";
const NEW = "resource-policy.rego";

function grants(stack = "org/p/dev", reader = "ab".repeat(32)): StackGrants & PropertyMap {
  return { stack, others: "affirming", secrets: { "fraud-dataset": allKeys({ [reader]: "pod1" }) } };
}

/** The grants as in the text, with the resource that wrote them. */
const owned = (policy: StackGrants, stack = "dev", name = "it"): StackGrants => ({
  ...policy,
  owner: ownerMark(`urn:pulumi:${stack}::trustee-access::trustee:index:ResourcePolicy::${name}`),
});

const target = (configMap: string, keys: readonly string[] = [NEW, OLD]) => ({
  namespace: cluster.namespace,
  configMap,
  candidateKeys: [...keys],
});
const withPolicy = (configMap: string, policy = grants()) => ({ ...target(configMap), policy });
const resourceVersion = async (name: string): Promise<unknown> =>
  (await cluster.get("ConfigMap", name)).metadata.resourceVersion;

describe("a shared policy", () => {
  test("replaces the live content, and restores it", async () => {
    cluster.configMap("policy", { [OLD]: STOCK, other: "theirs" });
    const warnings = engine.messages("WARNING");
    const entry = engine.resource("ResourcePolicy");
    const text = joinPolicy(STOCK, owned(grants()));
    const planned = {
      ...withPolicy("policy"),
      drift: "none",
      key: OLD,
      liveContent: text,
      before: STOCK,
      written: text,
      overlapRevision: "",
      foreign: [],
      owner: entry.urn,
    };
    expect(await entry.preview(withPolicy("policy"))).toStrictEqual({
      op: "create",
      diff: {},
      outputs: { ...planned, revision: unknown },
    });
    expect(await cluster.data("policy")).toStrictEqual({ [OLD]: STOCK, other: "theirs" });

    const created = await entry.up(withPolicy("policy"));
    expect(created.outputs).toStrictEqual({ ...planned, revision: await resourceVersion("policy") });
    expect(await cluster.data("policy")).toStrictEqual({ [OLD]: text, other: "theirs" });
    expect((await entry.up(withPolicy("policy"))).op).toBe("same");

    await entry.destroy();
    const after = await cluster.get("ConfigMap", "policy");
    expect(after["data"]).toStrictEqual({ [OLD]: STOCK, other: "theirs" });
    expect(after.metadata.annotations).toBeUndefined();
    expect(engine.messages("WARNING")).toStrictEqual(warnings);
  });

  test("two stacks share it, and the last one to leave restores the content", async () => {
    cluster.configMap("shared", { [OLD]: STOCK });
    const ours = engine.resource("ResourcePolicy");
    const theirs = other.resource("ResourcePolicy");
    await ours.up(withPolicy("shared"));
    await theirs.up(withPolicy("shared", grants("org/p/other", "cd".repeat(32))));
    expect((await ours.up(withPolicy("shared"))).op).toBe("same");
    await ours.destroy();
    expect(await cluster.data("shared")).toStrictEqual({
      [OLD]: joinPolicy(STOCK, owned(grants("org/p/other", "cd".repeat(32)), "other")),
    });
    await theirs.destroy();
    expect(await cluster.data("shared")).toStrictEqual({ [OLD]: STOCK });
  });

  test("changed grants are written, and a renamed stack leaves nothing under its previous name", async () => {
    cluster.configMap("changed", { [OLD]: STOCK });
    const entry = engine.resource("ResourcePolicy");
    await entry.up(withPolicy("changed"));
    const changed = grants("org/p/dev", "ef".repeat(32));
    expect(await entry.up(withPolicy("changed", changed))).toMatchObject({
      op: "update",
      diff: {
        [`policy.secrets.fraud-dataset.*.azure-vtpm.${"ab".repeat(32)}`]: "delete",
        [`policy.secrets.fraud-dataset.*.azure-vtpm.${"ef".repeat(32)}`]: "add",
      },
    });
    expect(await cluster.data("changed")).toStrictEqual({ [OLD]: joinPolicy(STOCK, owned(changed)) });
    await entry.up(withPolicy("changed", grants("org/p/renamed")));
    expect(await cluster.data("changed")).toStrictEqual({
      [OLD]: joinPolicy(STOCK, owned(grants("org/p/renamed"))),
    });
    await entry.destroy();
    expect(await cluster.data("changed")).toStrictEqual({ [OLD]: STOCK });
  });

  const text = joinPolicy(STOCK, owned(grants()));
  const drifts: readonly (readonly [string, string | null])[] = [
    ["another policy was put in its place", STOCK],
    ["the policy was changed by hand", text.replace("default allow = false", "default allow = true")],
    ["this stack's grants were removed from the policy", joinPolicy(STOCK, owned(grants("org/p/x")))],
  ];
  test.each(drifts)("shows drift: %s", async (words, content) => {
    cluster.configMap("drift", { [OLD]: STOCK });
    const entry = engine.resource("ResourcePolicy");
    const first = await entry.up(withPolicy("drift"));
    await cluster.edit("drift", { [OLD]: content });
    expect(await entry.preview(withPolicy("drift"))).toMatchObject({
      op: "update",
      diff: { drift: "update" },
    });
    expect(await entry.drift()).toBe(words);
    const fixed = await entry.up(withPolicy("drift"));
    expect(fixed.outputs["revision"]).not.toBe(first.outputs["revision"]);
    expect((await entry.up(withPolicy("drift"))).op).toBe("same");
    if (content !== drifts[2]?.[1]) {
      await entry.destroy();
      expect(await cluster.data("drift")).toStrictEqual({ [OLD]: STOCK });
    }
  });

  test("shows that an older release wrote it in a form that OPA rejects, and rewrites it", async () => {
    const claim = { "azure-vtpm": { ["ab".repeat(32)]: "pod1" } };
    const { stack, others } = grants();
    const single = { stack, others, secrets: { "fraud-dataset": { dataset_key: claim } } };
    cluster.configMap("older", { [OLD]: STOCK });
    const entry = engine.resource("ResourcePolicy");
    await entry.up(withPolicy("older", single));
    await cluster.edit("older", { [OLD]: renderWidePolicy([owned(single)], STOCK) });
    expect(await entry.drift()).toBe(
      "an older release wrote the policy in a form that some policy engines cannot read",
    );
    await entry.up(withPolicy("older", single));
    expect(await cluster.data("older")).toStrictEqual({ [OLD]: joinPolicy(STOCK, owned(single)) });
    await entry.destroy();
    expect(await cluster.data("older")).toStrictEqual({ [OLD]: STOCK });
  });

  test("a damaged line of another stack shows in a refresh, stops an up, and does not stop a destroy", async () => {
    const both = joinPolicy(joinPolicy(STOCK, owned(grants())), owned(grants("org/p/x", "cd".repeat(32))));
    const damaged = both.replace('"org/p/x","owner"', '"org/p/x","owner');
    cluster.configMap("damaged", { [OLD]: STOCK });
    const entry = engine.resource("ResourcePolicy");
    await entry.up(withPolicy("damaged"));
    await cluster.edit("damaged", { [OLD]: damaged });
    expect(await entry.drift()).toBe(
      "another stack's line in the policy is damaged (line 8, of the stack org/p/x); fix it before the next up",
    );
    for (const run of [() => entry.preview(withPolicy("damaged")), () => entry.up(withPolicy("damaged"))]) {
      await expect(run()).rejects.toThrow("Run pulumi up of the stack org/p/x first");
    }
    await entry.destroy();
    expect(await cluster.data("damaged")).toStrictEqual({ [OLD]: damaged });
    expect(engine.messages("WARNING").at(-1)).toContain(
      "was not changed: a line of another stack is damaged in it",
    );
  });

  test("a removed key shows as drift", async () => {
    cluster.configMap("removed", { [OLD]: STOCK, other: "x" });
    const entry = engine.resource("ResourcePolicy");
    await entry.up(withPolicy("removed"));
    await cluster.edit("removed", { [OLD]: null });
    expect(await entry.drift()).toBe("the key was removed");
    await entry.up(withPolicy("removed"));
    expect(await cluster.data("removed")).toStrictEqual({ [OLD]: text, other: "x" });
    await entry.destroy();
    expect(await cluster.data("removed")).toStrictEqual({ [OLD]: STOCK, other: "x" });
  });

  test("destroy leaves what another client has written since, with a warning", async () => {
    cluster.configMap("left", { [OLD]: STOCK });
    const entry = engine.resource("ResourcePolicy");
    await entry.up(withPolicy("left"));
    await cluster.edit("left", { [OLD]: "package policy\n# theirs\n" });
    await entry.destroy();
    expect(await cluster.data("left")).toStrictEqual({ [OLD]: "package policy\n# theirs\n" });
    expect(engine.messages("WARNING").at(-1)).toBe(
      `The key "${OLD}" of ConfigMap "left" in namespace "${cluster.namespace}" was not changed: a foreign policy ` +
        "has replaced it. The content from before this stack was not restored. Check the key, and fix it by hand if needed.",
    );
  });

  test("after a rename without an alias, the new resource takes over and the old one changes nothing", async () => {
    cluster.configMap("renamed", { [OLD]: STOCK });
    const old = engine.resource("ResourcePolicy");
    await old.up(withPolicy("renamed"));
    const renamed = engine.resource("ResourcePolicy", "renamed");
    await renamed.up(withPolicy("renamed"));
    const warnings = engine.messages("WARNING");
    await old.destroy();
    expect(engine.messages("WARNING")).toStrictEqual(warnings);
    expect(await cluster.data("renamed")).toStrictEqual({
      [OLD]: joinPolicy(STOCK, owned(grants(), "dev", "renamed")),
    });
    expect((await renamed.up(withPolicy("renamed"))).op).toBe("same");
    await renamed.destroy();
    expect(await cluster.data("renamed")).toStrictEqual({ [OLD]: STOCK });
  });

  test("after a killed destroy, the next one has nothing to do and no warning", async () => {
    cluster.configMap("killed", { [OLD]: STOCK });
    const entry = engine.resource("ResourcePolicy");
    await entry.up(withPolicy("killed"));
    const { state } = entry;
    await entry.destroy();
    const warnings = engine.messages("WARNING");
    entry.state = state;
    await entry.destroy();
    expect(engine.messages("WARNING")).toStrictEqual(warnings);
    expect(await cluster.data("killed")).toStrictEqual({ [OLD]: STOCK });
  });
});

describe("the key of the policy", () => {
  test("becomes the new one after an upgrade of Trustee; the old key is restored", async () => {
    cluster.configMap("upgrade", { [OLD]: STOCK });
    const entry = engine.resource("ResourcePolicy");
    await entry.up(withPolicy("upgrade"));
    const newStock = `${STOCK}# new\n`;
    await cluster.edit("upgrade", { [NEW]: newStock });
    expect(await entry.drift()).toBe(`Trustee now reads the key ${NEW} instead of ${OLD}`);
    const moved = await entry.up(withPolicy("upgrade"));
    expect(moved).toMatchObject({ op: "update", outputs: { key: NEW, before: newStock } });
    expect(await cluster.data("upgrade")).toStrictEqual({
      [OLD]: STOCK,
      [NEW]: joinPolicy(newStock, owned(grants())),
    });
    expect((await entry.up(withPolicy("upgrade"))).op).toBe("same");
    await entry.destroy();
    expect(await cluster.data("upgrade")).toStrictEqual({ [OLD]: STOCK, [NEW]: newStock });
  });

  test("may be a setting if the old key is gone", async () => {
    cluster.configMap("pinned", { [OLD]: STOCK });
    const entry = engine.resource("ResourcePolicy");
    await entry.up({ ...target("pinned", [OLD]), policy: grants() });
    await cluster.edit("pinned", { [OLD]: null, [NEW]: STOCK });
    const warnings = engine.messages("WARNING");
    const moved = await entry.up({ ...target("pinned", [NEW]), policy: grants() });
    expect(moved).toMatchObject({
      op: "update",
      diff: { "candidateKeys[0]": "update" },
      outputs: { key: NEW },
    });
    expect(await cluster.data("pinned")).toStrictEqual({ [NEW]: joinPolicy(STOCK, owned(grants())) });
    expect(engine.messages("WARNING")).toStrictEqual(warnings);
    await entry.destroy();
    expect(await cluster.data("pinned")).toStrictEqual({ [NEW]: STOCK });
  });

  test("is unknown in a ConfigMap without data, unless there is only one candidate", async () => {
    cluster.configMap("empty");
    const entry = engine.resource("ResourcePolicy");
    await expect(entry.preview(withPolicy("empty"))).rejects.toThrow(
      `TA810 ConfigMap "empty" in namespace "${cluster.namespace}" has none of the keys "${NEW}", "${OLD}", so it is unknown ` +
        "which one Trustee reads. Set trustee.policyKey or trustee.referenceValuesKey.",
    );
    await entry.up({ ...target("empty", [OLD]), policy: grants() });
    expect(await cluster.data("empty")).toStrictEqual({ [OLD]: joinPolicy(null, owned(grants())) });
    await entry.destroy();
    expect(await cluster.data("empty")).toBeUndefined();
  });
});

describe("invalid resources", () => {
  test("a missing policy and a text as the policy are refused", async () => {
    const entry = engine.resource("ResourcePolicy");
    expect((await entry.check({ ...target("x"), content: "y" })).failures).toStrictEqual({
      content:
        "unknown input; the inputs are: namespace, configMap, candidateKeys, policy, rotation, identity, kbsConfig, deployment, registered, timeoutMinutes",
      policy: "Invalid input: expected object, received undefined",
    });
    expect((await entry.check({ ...target("x"), policy: unknown })).failures).toStrictEqual({});
  });

  test("a missing ConfigMap is an error; after its deletion the resource is gone, and its delete succeeds", async () => {
    const entry = engine.resource("ResourcePolicy");
    await expect(entry.preview(withPolicy("nowhere"))).rejects.toThrow(
      `TA804 There is no ConfigMap "nowhere" in namespace "${cluster.namespace}". The Trustee operator makes it: install ` +
        "Trustee first, or correct the name and the namespace.",
    );
    cluster.configMap("going", { [OLD]: STOCK });
    await entry.up(withPolicy("going"));
    cluster.delete("ConfigMap", "going");
    const { state } = entry;
    expect(await entry.refresh()).toBe(false);
    entry.state = state;
    await entry.destroy();
  });

  test("an immutable ConfigMap is refused", async () => {
    cluster.configMap("immutable", { [OLD]: STOCK }, { immutable: true });
    await expect(engine.resource("ResourcePolicy").preview(withPolicy("immutable"))).rejects.toThrow(
      `TA805 ConfigMap "immutable" in namespace "${cluster.namespace}" is immutable, so nothing can be written into it. ` +
        "Replace it by one without `immutable: true`, then run again.",
    );
  });
});
