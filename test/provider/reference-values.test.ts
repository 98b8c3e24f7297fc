import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unknown } from "../../protocol/property-value.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";

const LIST = "reference-values.json";
const MAP = "reference_value";
const A = "aa".repeat(32);
const B = "bb".repeat(32);
const C = "cc".repeat(32);

let cluster: TestCluster;
let engine: Engine;
let other: Engine;
let now = new Date("2026-11-23T12:00:00.123Z");
const laterBy = (days: number): void => {
  now = new Date(now.getTime() + days * 86_400_000);
};

beforeAll(async () => {
  cluster = await TestCluster.open();
  engine = await Engine.start({ kubeconfig: cluster.kubeconfig, now: () => now });
  other = await Engine.start({ kubeconfig: cluster.kubeconfig, now: () => now, stack: "other" });
});

afterAll(async () => {
  await engine.stop();
  await other.stop();
});

const inputs = (configMap: string, snp: readonly string[] = [A], more: object = {}) => ({
  namespace: cluster.namespace,
  configMap,
  candidateKeys: [MAP, LIST],
  digests: { snp_pcr08: [...snp] },
  validityDays: 365,
  ...more,
});
const entry = (value: unknown, more: object = {}) => ({
  name: "snp_pcr08",
  expiration: "2036-01-01T00:00:00Z",
  value,
  ...more,
});
const list = (...entries: object[]) => JSON.stringify(entries, null, 2);
const encode = (value: unknown) =>
  Buffer.from(JSON.stringify(value)).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
const expirationOf = (days = 365) =>
  `${new Date(now.getTime() + days * 86_400_000).toISOString().slice(0, 19)}Z`;
const annotations = async (name: string): Promise<unknown> =>
  (await cluster.get("ConfigMap", name)).metadata.annotations;
const warningsSince = (count: number) => engine.messages("WARNING").slice(count);

describe("own digests in somebody else's entry", () => {
  test("are added, replaced and taken out; all else stays", async () => {
    const theirs = list(entry([B], { note: "x" }), {
      name: "svn",
      expiration: "2020-01-01T00:00:00Z",
      value: [3],
    });
    await cluster.configMap("values", { [LIST]: theirs, other: "theirs" });
    const values = engine.resource("ReferenceValues");
    const withOurs = list(entry([B, A], { note: "x" }), {
      name: "svn",
      expiration: "2020-01-01T00:00:00Z",
      value: [3],
    });
    const planned = {
      ...inputs("values"),
      drift: "none",
      key: LIST,
      added: { snp_pcr08: [A] },
      created: {},
      before: theirs,
      liveContent: withOurs,
      expiries: { snp_pcr08: "2036-01-01T00:00:00Z" },
      owner: values.urn,
    };
    expect(await values.preview(inputs("values"))).toStrictEqual({
      op: "create",
      diff: {},
      outputs: { ...planned, expiration: unknown, revision: unknown },
    });
    expect(await cluster.data("values")).toStrictEqual({ [LIST]: theirs, other: "theirs" });

    const created = await values.up(inputs("values"));
    const { resourceVersion } = (await cluster.get("ConfigMap", "values")).metadata;
    expect(created.outputs).toStrictEqual({
      ...planned,
      expiration: expirationOf(),
      revision: resourceVersion,
    });
    expect(await cluster.data("values")).toStrictEqual({ [LIST]: withOurs, other: "theirs" });
    expect((await values.up(inputs("values"))).op).toBe("same");

    expect(await values.up(inputs("values", [C]))).toMatchObject({
      op: "update",
      diff: { "digests.snp_pcr08[0]": "update" },
    });
    expect(await cluster.data("values")).toMatchObject({ [LIST]: withOurs.replace(A, C) });
    await values.destroy();
    expect(await cluster.data("values")).toStrictEqual({ [LIST]: theirs, other: "theirs" });
    expect(await annotations("values")).toBeUndefined();
  });

  test("one that was there before stays on destroy", async () => {
    await cluster.configMap("before", { [LIST]: list(entry([A])) });
    const { resourceVersion } = (await cluster.get("ConfigMap", "before")).metadata;
    const values = engine.resource("ReferenceValues");
    await values.up(inputs("before"));
    await values.destroy();
    expect((await cluster.get("ConfigMap", "before")).metadata.resourceVersion).toBe(resourceVersion);
  });

  test.each<[string, (text: string) => string, string]>([
    ["removed", (text) => text.replace(`,\n      "${A}"`, ""), "missing: aaaaaaaaaaaa... in snp_pcr08"],
    [
      "doubled",
      (text) => text.replace(`"${A}"`, `"${A}",\n      "${A}"`),
      "a digest of ours stands there twice, or an entry of ours has another expiration",
    ],
    ["with its whole entry", () => "[]", "missing: the entry snp_pcr08"],
  ])("drift: %s", async (name, edit, words) => {
    const configMap = `drift-${name.replaceAll(" ", "-")}`;
    await cluster.configMap(configMap, { [LIST]: list(entry([B])) });
    const values = engine.resource("ReferenceValues");
    const first = await values.up(inputs(configMap));
    const live = String(first.outputs["liveContent"]);
    expect(edit(live)).not.toBe(live);
    await cluster.edit(configMap, { [LIST]: edit(live) });
    expect(await values.preview(inputs(configMap))).toMatchObject({
      op: "update",
      diff: { drift: "update" },
    });
    await values.refresh();
    expect(values.state?.inputs["drift"]).toBe(words);
    const mended = await values.up(inputs(configMap));
    expect(mended.outputs["revision"]).not.toBe(first.outputs["revision"]);
    expect(String(mended.outputs["liveContent"]).split(A)).toHaveLength(2);
    expect((await values.up(inputs(configMap))).op).toBe("same");
  });

  test("two stacks, in any order", async () => {
    for (const oursFirst of [true, false]) {
      const configMap = `shared-${String(oursFirst)}`;
      await cluster.configMap(configMap, { [LIST]: "[\n]\n" });
      const ours = engine.resource("ReferenceValues");
      const theirs = other.resource("ReferenceValues");
      await ours.up(inputs(configMap, [A, C]));
      await theirs.up(inputs(configMap, [B, C]));
      expect((await ours.up(inputs(configMap, [A, C]))).op).toBe("same");
      await (oursFirst ? ours : theirs).destroy();
      const rest = oursFirst ? theirs : ours;
      const wanted = inputs(configMap, oursFirst ? [B, C] : [A, C]);
      const again = await rest.up(wanted);
      expect(again.op).toBe("same");
      const [live] = JSON.parse(String(again.outputs["liveContent"])) as { value: string[] }[];
      expect(live?.value.toSorted()).toStrictEqual(wanted.digests.snp_pcr08);
      await rest.destroy();
      expect(await cluster.data(configMap)).toStrictEqual({ [LIST]: "[\n]\n" });
      expect(await annotations(configMap)).toBeUndefined();
    }
  });

  test("a run that was killed before its state was saved still owns what it added", async () => {
    await cluster.configMap("killed", { [LIST]: list(entry([B])) });
    const values = engine.resource("ReferenceValues");
    await values.up(inputs("killed"));
    values.state = undefined;
    expect((await values.up(inputs("killed"))).outputs["added"]).toStrictEqual({ snp_pcr08: [A] });
    await values.destroy();
    expect(await cluster.data("killed")).toStrictEqual({ [LIST]: list(entry([B])) });
  });
});

describe("an entry that is missing", () => {
  test.each([
    [LIST, "[]"],
    [LIST, "[\n]\n"],
    [LIST, ""],
    [MAP, "{}"],
    [MAP, "{\n}\n"],
    [MAP, ""],
  ])("is created in %s: %j, with an expiration that is then kept", async (key, before) => {
    const configMap = `create-${key.replaceAll(/[^a-z]/g, "")}-${before.length}`;
    await cluster.configMap(configMap, { [key]: before });
    const values = engine.resource("ReferenceValues");
    expect((await values.preview(inputs(configMap))).outputs).toMatchObject({
      expiration: unknown,
      created: unknown,
      liveContent: unknown,
      expiries: unknown,
      added: { snp_pcr08: [A] },
      before,
    });
    const expiration = expirationOf();
    const { outputs } = await values.up(inputs(configMap));
    expect(outputs).toMatchObject({
      expiration,
      created: { snp_pcr08: expiration },
      expiries: { snp_pcr08: expiration },
    });
    laterBy(7);
    expect((await values.up(inputs(configMap))).op).toBe("same");
    const data = (await cluster.data(configMap)) as Record<string, string>;
    const fields = { name: "snp_pcr08", expiration, value: [A] };
    const expected = key === LIST ? [fields] : { snp_pcr08: encode({ version: "0.1.0", ...fields }) };
    expect(JSON.parse(data[key] ?? "")).toStrictEqual(expected);
    await values.destroy();
    expect(await cluster.data(configMap)).toStrictEqual({ [key]: before });
  });

  test("is renewed 30 days before it expires, by an update that a preview shows", async () => {
    await cluster.configMap("renew", { [LIST]: "[]" });
    const values = engine.resource("ReferenceValues");
    const first = expirationOf();
    await values.up(inputs("renew"));
    laterBy(334);
    expect((await values.preview(inputs("renew"))).op).toBe("same");
    laterBy(2);
    const warned = engine.messages("WARNING").length;
    await values.refresh();
    expect(values.state?.inputs["drift"]).toBe("expires soon: snp_pcr08");
    const renewed = await values.up(inputs("renew"));
    expect(renewed).toMatchObject({ op: "update", outputs: { created: { snp_pcr08: expirationOf() } } });
    expect(expirationOf()).not.toBe(first);
    expect((await values.up(inputs("renew"))).op).toBe("same");
    expect(warningsSince(warned)).toStrictEqual([]);
  });

  test("follows another validity; one shorter than the notice is not renewed at every run", async () => {
    await cluster.configMap("validity", { [LIST]: "[]" });
    const values = engine.resource("ReferenceValues");
    await values.up(inputs("validity"));
    const changed = await values.up(inputs("validity", [A], { validityDays: 10 }));
    expect(changed).toMatchObject({
      diff: { validityDays: "update" },
      outputs: { expiration: expirationOf(10) },
    });
    laterBy(3);
    expect((await values.up(inputs("validity", [A], { validityDays: 10 }))).op).toBe("same");
    laterBy(3);
    expect((await values.up(inputs("validity", [A], { validityDays: 10 }))).op).toBe("update");
  });

  test("drift: its expiration was changed by hand", async () => {
    await cluster.configMap("expired", { [LIST]: "[]" });
    const values = engine.resource("ReferenceValues");
    const { outputs } = await values.up(inputs("expired"));
    const live = String(outputs["liveContent"]);
    await cluster.edit("expired", {
      [LIST]: live.replace(/"expiration": "[^"]+"/, '"expiration": "2020-01-01T00:00:00Z"'),
    });
    expect((await values.preview(inputs("expired"))).op).toBe("update");
    await values.up(inputs("expired"));
    expect(await cluster.data("expired")).toStrictEqual({ [LIST]: live });
  });
});

describe("expiry of somebody else's entry", () => {
  test.each<[string, number, (expiration: string) => string | undefined]>([
    ["far away", 40, () => undefined],
    [
      "within 30 days",
      20,
      (expiration) =>
        `The reference value "snp_pcr08" in ConfigMap "theirs-20" expires in 19 days (${expiration}). ` +
        "This stack did not create it, so it does not renew it: set a later expiration there by hand.",
    ],
    [
      "passed",
      -1,
      (expiration) =>
        `The reference value "snp_pcr08" in ConfigMap "theirs--1" has expired (${expiration}): it matches nothing, no pod ` +
        "attests. This stack did not create it, so it does not renew it: set a later expiration there by hand.",
    ],
  ])("%s", async (_, days, expected) => {
    const expiration = expirationOf(days);
    const configMap = `theirs-${days}`;
    await cluster.configMap(configMap.replace("--", "-m"), { [LIST]: list(entry([B], { expiration })) });
    const values = engine.resource("ReferenceValues");
    const wanted = inputs(configMap.replace("--", "-m"));
    const message = expected(expiration)?.replace("--", "-m");
    const before = engine.messages("WARNING").length;
    await values.up(wanted);
    await values.up(wanted);
    expect(warningsSince(before)).toStrictEqual(message === undefined ? [] : [message, message]);
  });
});

describe("Trustee is upgraded under a stack", () => {
  test("the digests move to the new key and format; the old key is as before", async () => {
    const old = list(entry([B]));
    await cluster.configMap("upgrade", { [LIST]: old });
    const values = engine.resource("ReferenceValues");
    await values.up(inputs("upgrade"));
    await cluster.edit("upgrade", { [MAP]: "{\n}\n" });
    await values.refresh();
    expect(values.state?.inputs["drift"]).toBe(`Trustee now reads the key "${MAP}" instead of "${LIST}"`);
    const moved = await values.up(inputs("upgrade"));
    expect(moved).toMatchObject({ op: "update", outputs: { key: MAP, before: "{\n}\n" } });
    const fields = { version: "0.1.0", name: "snp_pcr08", expiration: expirationOf(), value: [A] };
    expect(await cluster.data("upgrade")).toStrictEqual({
      [LIST]: old,
      [MAP]: `{\n  "snp_pcr08": "${encode(fields)}"\n}\n`,
    });
    expect((await values.up(inputs("upgrade"))).op).toBe("same");
    await values.destroy();
    expect(await cluster.data("upgrade")).toStrictEqual({ [LIST]: old, [MAP]: "{\n}\n" });
    expect(await annotations("upgrade")).toBeUndefined();
  });
});

describe("what cannot be", () => {
  test.each([
    ["[", "it is not JSON (at character 1)"],
    ["{}", "it holds an object, as the other generation of Trustee does"],
  ])(
    "malformed (%s): a clear error at preview, at up and at destroy; nothing is written",
    async (text, problem) => {
      const configMap = `malformed-${text.length}`;
      await cluster.configMap(configMap, { [LIST]: "[]" });
      const values = engine.resource("ReferenceValues");
      await values.up(inputs(configMap));
      await cluster.edit(configMap, { [LIST]: text });
      const message = `The reference values under the key "${LIST}" cannot be read: ${problem}.`;
      await expect(values.preview(inputs(configMap))).rejects.toThrow(message);
      await expect(values.destroy()).rejects.toThrow(message);
      await expect(engine.resource("ReferenceValues", "new").preview(inputs(configMap))).rejects.toThrow(
        message,
      );
      expect(await cluster.data(configMap)).toStrictEqual({ [LIST]: text });
    },
  );

  test("wrong digests, and a validity of no days", async () => {
    const values = engine.resource("ReferenceValues");
    expect((await values.check(inputs("x", ["ABC"], { validityDays: 0 }))).failures).toStrictEqual({
      "digests.snp_pcr08[0]": "a digest in lower-case hex",
      validityDays: "Too small: expected number to be >=1",
    });
  });

  test("unknown digests at preview make unknown outputs", async () => {
    await cluster.configMap("unknown", { [LIST]: "[]" });
    const { outputs } = await engine
      .resource("ReferenceValues")
      .preview(inputs("unknown", [], { digests: unknown }));
    expect(outputs).toMatchObject({
      digests: unknown,
      key: unknown,
      liveContent: unknown,
      revision: unknown,
    });
  });

  test("a ConfigMap that has gone: the resource is gone, and deleting it succeeds; it cannot be imported", async () => {
    await cluster.configMap("going", { [LIST]: "[]" });
    const values = engine.resource("ReferenceValues");
    await values.up(inputs("going"));
    await cluster.kubectl("delete", "configmap", "going");
    const { state } = values;
    expect(await values.refresh()).toBe(false);
    values.state = state;
    await values.destroy();
    await expect(values.import(`${cluster.namespace}/going/${LIST}`)).rejects.toThrow(
      "This kind of resource cannot be imported: declare it, and it takes over what is there.",
    );
  });
});
