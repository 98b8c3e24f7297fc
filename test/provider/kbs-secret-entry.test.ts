import { describe, expect, test } from "vitest";
import { SECRET_LEDGER_ANNOTATION } from "../../core/kbs-config/entries.ts";
import { unknown } from "../../provider/protocol/property-value.ts";
import { bench } from "./bench.ts";

const { cluster, engine, other } = await bench();
for (const name of ["p2-secret", "p3-secret"]) cluster.secret(name);

const inputs = (kbsConfig: string, secret = "p2-secret", secretIsCreated = false) => ({
  namespace: cluster.namespace,
  kbsConfig,
  secret,
  secretIsCreated,
});

const annotations = async (name: string): Promise<unknown> =>
  (await cluster.get("KbsConfig", name)).metadata.annotations;

test("appends a name, and removes it on destroy", async () => {
  cluster.kbsConfig("append", ["b", "a"]);
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
  expect(await annotations("append")).toBeUndefined();

  const created = await entry.up(inputs("append"));
  const { resourceVersion } = (await cluster.get("KbsConfig", "append")).metadata;
  expect(created.outputs).toStrictEqual({ ...preview.outputs, revision: resourceVersion });
  expect(entry.state?.id).toBe(`${cluster.namespace}/append/p2-secret`);
  expect(await cluster.entries("append")).toStrictEqual(["b", "a", "p2-secret"]);
  expect(await entry.up(inputs("append"))).toStrictEqual({ op: "same", diff: {}, outputs: created.outputs });

  await entry.destroy();
  expect(await cluster.entries("append")).toStrictEqual(["b", "a"]);
  expect(await annotations("append")).toBeUndefined();
});

// The CRD does not allow null here.
test.each<[string, readonly string[] | undefined]>([
  ["absent", undefined],
  ["empty", []],
])("appends to a list that is %s", async (name, list) => {
  cluster.kbsConfig(`list-${name}`, list);
  const entry = engine.resource("KbsSecretEntry");
  await entry.up(inputs(`list-${name}`));
  expect(await cluster.entries(`list-${name}`)).toStrictEqual(["p2-secret"]);
  await entry.destroy();
  expect(await cluster.entries(`list-${name}`)).toStrictEqual([]);
});

test("keeps an existing name on destroy, and writes nothing", async () => {
  cluster.kbsConfig("theirs", ["p2-secret", "a"]);
  const { resourceVersion } = (await cluster.get("KbsConfig", "theirs")).metadata;
  const entry = engine.resource("KbsSecretEntry");
  expect((await entry.up(inputs("theirs"))).outputs).toMatchObject({ added: false, revision: "" });
  await entry.destroy();
  const after = await cluster.get("KbsConfig", "theirs");
  expect(after.metadata.resourceVersion).toBe(resourceVersion);

  await entry.up(inputs("theirs"));
  await cluster.setEntries("theirs", ["a"]);
  expect((await entry.up(inputs("theirs"))).outputs).toMatchObject({ added: false });
  expect(await cluster.entries("theirs")).toStrictEqual(["a", "p2-secret"]);
  await entry.destroy();
  expect(await cluster.entries("theirs")).toStrictEqual(["a", "p2-secret"]);
});

test("a preview shows a removed name, an up restores it, then there is no change", async () => {
  cluster.kbsConfig("drift", ["a"]);
  const entry = engine.resource("KbsSecretEntry");
  const first = await entry.up(inputs("drift"));
  await cluster.setEntries("drift", ["a", "theirs"]);
  const preview = await entry.preview(inputs("drift"));
  expect(preview).toMatchObject({
    op: "update",
    diff: { drift: "update" },
    outputs: { added: true, present: true, revision: unknown },
  });
  const fixed = await entry.up(inputs("drift"));
  expect(fixed.op).toBe("update");
  expect(fixed.outputs["revision"]).not.toBe(first.outputs["revision"]);
  expect(await cluster.entries("drift")).toStrictEqual(["a", "theirs", "p2-secret"]);
  expect((await entry.up(inputs("drift"))).op).toBe("same");
  await entry.destroy();
  expect(await cluster.entries("drift")).toStrictEqual(["a", "theirs"]);
});

test("writes no record for an existing name", async () => {
  cluster.kbsConfig("no-record", ["p2-secret"]);
  const entry = engine.resource("KbsSecretEntry");
  await entry.up(inputs("no-record"));
  expect(await annotations("no-record")).toBeUndefined();
  expect(await entry.drift()).toBe("none");
});

test("a renamed secret replaces the entry: the new one is added before the old one is removed", async () => {
  cluster.kbsConfig("rename", ["a"]);
  const entry = engine.resource("KbsSecretEntry");
  await entry.up(inputs("rename"));
  const renamed = await entry.up(inputs("rename", "p3-secret"));
  expect(renamed).toMatchObject({ op: "replace", diff: { secret: "update-replace" } });
  expect(await cluster.entries("rename")).toStrictEqual(["a", "p3-secret"]);
  await entry.destroy();
  expect(await cluster.entries("rename")).toStrictEqual(["a"]);
  expect(await annotations("rename")).toBeUndefined();
});

test("keeps a name of two stacks until both are destroyed", async () => {
  cluster.kbsConfig("shared", []);
  const ours = engine.resource("KbsSecretEntry");
  const theirs = other.resource("KbsSecretEntry");
  await ours.up(inputs("shared"));
  await theirs.up(inputs("shared"));
  await ours.destroy();
  expect(await cluster.entries("shared")).toStrictEqual(["p2-secret"]);
  expect((await theirs.up(inputs("shared"))).op).toBe("same");
  await theirs.destroy();
  expect(await cluster.entries("shared")).toStrictEqual([]);
});

test("owns what a run added that was killed before it saved its state", async () => {
  cluster.kbsConfig("killed", []);
  const entry = engine.resource("KbsSecretEntry");
  await entry.up(inputs("killed"));
  entry.state = undefined;
  const resumed = await entry.up(inputs("killed"));
  expect(resumed.outputs["added"]).toBe(true);
  expect(resumed.outputs["revision"]).toBe(
    (await cluster.get("KbsConfig", "killed")).metadata.resourceVersion,
  );
  await entry.destroy();
  expect(await cluster.entries("killed")).toStrictEqual([]);
});

describe("missing objects", () => {
  test("a Secret that nothing creates fails the preview, and nothing is written", async () => {
    cluster.kbsConfig("missing", []);
    const entry = engine.resource("KbsSecretEntry");
    const message =
      `TA804 There is no Secret "nowhere" in namespace "${cluster.namespace}". Listing it in the KbsConfig would stop every ` +
      "reconcile of the Trustee operator. Create it first, or let this program create it.";
    await expect(entry.preview(inputs("missing", "nowhere"))).rejects.toThrow(message);
    await expect(entry.up(inputs("missing", "nowhere"))).rejects.toThrow(message);
    expect((await entry.preview(inputs("missing", "nowhere", true))).op).toBe("create");
    await expect(entry.up(inputs("missing", "nowhere", true))).rejects.toThrow(message);
    expect(await cluster.entries("missing")).toStrictEqual([]);
  });

  test("a missing KbsConfig is an error", async () => {
    const entry = engine.resource("KbsSecretEntry");
    await expect(entry.preview(inputs("nowhere"))).rejects.toThrow(
      `TA804 There is no KbsConfig "nowhere" in namespace "${cluster.namespace}". Install Trustee, or correct the name.`,
    );
  });

  test("a KbsConfig whose kbsSecretResources is not a list is an error", async () => {
    cluster.apply({
      kind: "KbsConfig",
      metadata: { name: "odd" },
      spec: { kbsSecretResources: "p2-secret" },
    });
    await expect(engine.resource("KbsSecretEntry").up(inputs("odd"))).rejects.toThrow(
      `2 UNKNOWN: TA811 spec.kbsSecretResources of KbsConfig "odd" in namespace "${cluster.namespace}" is not a list. ` +
        `Make it a list of names of Secrets: kubectl edit kbsconfig odd -n ${cluster.namespace}`,
    );
    expect(await cluster.entries("odd")).toBe("p2-secret");
  });

  test("a deleted KbsConfig: the resource is gone, and its delete succeeds", async () => {
    cluster.kbsConfig("going", []);
    const entry = engine.resource("KbsSecretEntry");
    await entry.up(inputs("going"));
    cluster.delete("KbsConfig", "going");
    const state = entry.state;
    expect(await entry.refresh()).toBe(false);
    entry.state = state;
    await entry.destroy();
  });

  test("a KbsConfig that is being deleted is an error", async () => {
    cluster.kbsConfig("finalized", []);
    const entry = engine.resource("KbsSecretEntry");
    await entry.up(inputs("finalized"));
    await cluster.patch("KbsConfig", "finalized", { metadata: { finalizers: ["example.com/hold"] } });
    cluster.delete("KbsConfig", "finalized");
    await entry.destroy();
    expect(await cluster.entries("finalized")).toStrictEqual(["p2-secret"]);
    await expect(entry.up(inputs("finalized"))).rejects.toThrow(
      `TA805 KbsConfig "finalized" in namespace "${cluster.namespace}" is being deleted. Run again once it has been recreated.`,
    );
    await cluster.patch("KbsConfig", "finalized", { metadata: { finalizers: null } });
  });
});

test("has unknown outputs if inputs are unknown at preview", async () => {
  const entry = engine.resource("KbsSecretEntry");
  const given = { ...inputs("append"), secret: unknown };
  expect(await entry.preview(given)).toStrictEqual({
    op: "create",
    diff: {},
    outputs: {
      ...given,
      drift: "none",
      added: unknown,
      present: unknown,
      revision: unknown,
      owner: entry.urn,
    },
  });
});

test("names invalid inputs", async () => {
  const entry = engine.resource("KbsSecretEntry");
  expect(
    (await entry.check({ namespace: "", kbsConfig: 7, secret: "s", color: "red" })).failures,
  ).toStrictEqual({
    color:
      "unknown input; the inputs are: namespace, kbsConfig, secret, secretIsCreated, identity, policyConfigMap, policyKey",
    namespace: "Too small: expected string to have >=1 characters",
    kbsConfig: "Invalid input: expected string, received number",
    secretIsCreated: "Invalid input: expected boolean, received undefined",
  });
});

test("refuses an import", async () => {
  const entry = engine.resource("KbsSecretEntry");
  await expect(entry.import(`${cluster.namespace}/import/p2-secret`)).rejects.toThrow(
    "TA816 This kind of resource cannot be imported. Declare it, and it takes over what exists.",
  );
});

test.each(["p2-secret", "constructor", "tostring", "__proto__"])(
  "a lost record of a Secret called %s shows in a preview, an up restores it, and destroy removes the name without it",
  async (secret) => {
    const name = `called-${secret.replaceAll("_", "")}`;
    cluster.kbsConfig(name, ["a"]);
    cluster.secret(secret);
    const entry = engine.resource("KbsSecretEntry", secret);
    await entry.up(inputs(name, secret));
    const recorded = await annotations(name);
    const lose = async () =>
      cluster.patch("KbsConfig", name, { metadata: { annotations: { [SECRET_LEDGER_ANNOTATION]: null } } });
    await lose();
    expect(await entry.drift()).toBe("the ownership record was removed");
    expect(await entry.preview(inputs(name, secret))).toMatchObject({
      op: "update",
      diff: { drift: "update" },
      outputs: { added: true, present: true },
    });
    await entry.up(inputs(name, secret));
    expect(await annotations(name)).toStrictEqual(recorded);
    expect(await cluster.entries(name)).toStrictEqual(["a", secret]);
    expect((await entry.up(inputs(name, secret))).op).toBe("same");
    await lose();
    await entry.destroy();
    expect(await cluster.entries(name)).toStrictEqual(["a"]);
    expect(await annotations(name)).toBeUndefined();
  },
);

test.each([
  ["my.secret", "contains a dot, which volume names must not"],
  ["a".repeat(64), "has 64 characters, but volume names have at most 63"],
  ["reference-values", "is the name of a volume that every KBS has"],
])("%s, an invalid volume name, is refused at preview, and removed if it is there", async (name, why) => {
  cluster.secret(name);
  cluster.kbsConfig("names", ["kbsres1"]);
  const entry = engine.resource("KbsSecretEntry");
  await expect(entry.preview(inputs("names", name))).rejects.toThrow(
    `TA603 The Secret "${name}" ${why}. Listed in the KbsConfig, it would stop every reconcile of the Trustee operator. Use a name of `,
  );
});
