import { describe, expect, test } from "vitest";
import { unknown, type PropertyMap } from "../../provider/protocol/property-value.ts";
import { bench } from "./bench.ts";
import {
  A,
  B,
  C,
  encode,
  entry,
  inputsIn,
  list,
  LIST,
  liveContentOf,
  MAP,
  svn,
} from "./reference-values-fixtures.ts";

const { cluster, engine, other } = await bench();

const inputs = (configMap: string, snp?: readonly string[], more?: PropertyMap) =>
  inputsIn(cluster.namespace, configMap, snp, more);
const annotations = async (name: string): Promise<unknown> =>
  (await cluster.get("ConfigMap", name)).metadata.annotations;

describe("own digests in another client's entry", () => {
  test("are added, replaced and removed; everything else stays", async () => {
    const theirs = list(entry([B], { note: "x" }), svn);
    cluster.configMap("values", { [LIST]: theirs, other: "theirs" });
    const values = engine.resource("ReferenceValues");
    const withOurs = list(entry([B, A], { note: "x" }), svn);
    const planned = {
      ...inputs("values"),
      drift: "none",
      key: LIST,
      added: { snp_pcr08: [A] },
      created: {},
      before: theirs,
      liveContent: withOurs,
      expiries: { snp_pcr08: "2036-01-01T00:00:00Z" },
      retiring: {},
      retiringReaders: {},
      overlapRevision: "",
      owner: values.urn,
    };
    expect(await values.preview(inputs("values"))).toStrictEqual({
      op: "create",
      diff: {},
      outputs: { ...planned, revision: unknown },
    });
    expect(await cluster.data("values")).toStrictEqual({ [LIST]: theirs, other: "theirs" });

    const created = await values.up(inputs("values"));
    const { resourceVersion } = (await cluster.get("ConfigMap", "values")).metadata;
    expect(created.outputs).toStrictEqual({ ...planned, revision: resourceVersion });
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

  test("stay on destroy if they existed before", async () => {
    cluster.configMap("before", { [LIST]: list(entry([A])) });
    const { resourceVersion } = (await cluster.get("ConfigMap", "before")).metadata;
    const values = engine.resource("ReferenceValues");
    await values.up(inputs("before"));
    await values.destroy();
    expect((await cluster.get("ConfigMap", "before")).metadata.resourceVersion).toBe(resourceVersion);
  });

  test("stay on a change to others if they existed before, with one warning", async () => {
    cluster.configMap("left", { [LIST]: list(entry([A])) });
    const values = engine.resource("ReferenceValues");
    await values.up(inputs("left", [A, B]));
    const before = engine.messages("WARNING").length;
    await values.preview(inputs("left", [C]));
    await values.up(inputs("left", [C]));
    const warning =
      'The reference value "snp_pcr08" in ConfigMap "left" still holds aaaaaaaaaaaa..., which no pod of this stack uses any more. ' +
      "It was there before this stack, so it stays. If nobody else needs it, remove it: " +
      `kubectl edit configmap left -n ${cluster.namespace}`;
    expect(engine.messages("WARNING").slice(before)).toStrictEqual([warning, warning]);
    expect(await cluster.data("left")).toStrictEqual({ [LIST]: list(entry([A, C])) });
    expect((await values.up(inputs("left", [C]))).op).toBe("same");
    await values.up(inputs("left", [B]));
    expect(engine.messages("WARNING").slice(before)).toHaveLength(2);
    await values.destroy();
    expect(await cluster.data("left")).toStrictEqual({ [LIST]: list(entry([A])) });
  });

  test.each<[string, (text: string) => string, string]>([
    ["removed", (text) => text.replace(`,\n      "${A}"`, ""), "missing: aaaaaaaaaaaa... in snp_pcr08"],
    [
      "doubled",
      (text) => text.replace(`"${A}"`, `"${A}",\n      "${A}"`),
      "a digest of this stack is listed twice, or an entry of this stack has another expiration",
    ],
    ["with its whole entry", () => "[]", "missing: the entry snp_pcr08"],
    [
      "a lone text",
      (text) => text.replace(/\[\s*"b+",\s*("a+")\s*\]/, "$1"),
      "Trustee finds no digest in the entry snp_pcr08",
    ],
  ])("show as drift: %s", async (name, edit, words) => {
    const configMap = `drift-${name.replaceAll(" ", "-")}`;
    cluster.configMap(configMap, { [LIST]: list(entry([B])) });
    const values = engine.resource("ReferenceValues");
    const first = await values.up(inputs(configMap));
    const live = liveContentOf(first.outputs);
    expect(edit(live)).not.toBe(live);
    await cluster.edit(configMap, { [LIST]: edit(live) });
    expect(await values.preview(inputs(configMap))).toMatchObject({
      op: "update",
      diff: { drift: "update" },
    });
    expect(await values.drift()).toBe(words);
    const fixed = await values.up(inputs(configMap));
    expect(fixed.outputs["revision"]).not.toBe(first.outputs["revision"]);
    expect(liveContentOf(fixed.outputs).split(A)).toHaveLength(2);
    expect((await values.up(inputs(configMap))).op).toBe("same");
  });

  test.each([LIST, "reference_value"])("values of others under %s may be any JSON", async (key) => {
    const named = [1, true, null, "text", { a: [1] }].map((value, at) => ({
      ...{ name: `n${at}`, json: entry([], { name: `n${at}`, value }) },
    }));
    const encoded = named.map(({ name, json }) => [
      name,
      Buffer.from(JSON.stringify(json)).toString("base64url"),
    ]);
    const before =
      key === LIST ? list(...named.map(({ json }) => json)) : JSON.stringify(Object.fromEntries(encoded));
    const configMap = `any-${key.length}`;
    cluster.configMap(configMap, { [key]: before });
    const ours = engine.resource("ReferenceValues");
    await ours.up(inputs(configMap));
    const live = JSON.stringify(await cluster.data(configMap));
    expect(live).toContain(key === LIST ? '\\"value\\": true' : `${encoded[1]?.[1] ?? ""}\\"`);
    expect((await ours.up(inputs(configMap))).op).toBe("same");
    await ours.destroy();
    expect(await cluster.data(configMap)).toStrictEqual({ [key]: before });
  });

  test("two stacks join and leave in any order", async () => {
    for (const oursFirst of [true, false]) {
      const configMap = `shared-${String(oursFirst)}`;
      cluster.configMap(configMap, { [LIST]: "[\n]\n" });
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
      const [live] = JSON.parse(liveContentOf(again.outputs)) as { value: string[] }[];
      expect(live?.value.toSorted()).toStrictEqual(wanted.digests.snp_pcr08);
      await rest.destroy();
      expect(await cluster.data(configMap)).toStrictEqual({ [LIST]: "[\n]\n" });
      expect(await annotations(configMap)).toBeUndefined();
    }
  });

  test("a run that was killed before its state was saved still owns what it added", async () => {
    cluster.configMap("killed", { [LIST]: list(entry([B])) });
    const values = engine.resource("ReferenceValues");
    await values.up(inputs("killed"));
    values.state = undefined;
    expect((await values.up(inputs("killed"))).outputs["added"]).toStrictEqual({ snp_pcr08: [A] });
    await values.destroy();
    expect(await cluster.data("killed")).toStrictEqual({ [LIST]: list(entry([B])) });
  });
});

test("an upgrade of Trustee moves the digests to the new key and format, and restores the old key", async () => {
  const old = list(entry([B]));
  cluster.configMap("upgrade", { [LIST]: old });
  const values = engine.resource("ReferenceValues");
  await values.up(inputs("upgrade"));
  await cluster.edit("upgrade", { [MAP]: "{\n}\n" });
  expect(await values.drift()).toBe(`Trustee now reads the key ${MAP} instead of ${LIST}`);
  const moved = await values.up(inputs("upgrade"));
  expect(moved).toMatchObject({ op: "update", outputs: { key: MAP, before: "{\n}\n" } });
  const fields = { version: "0.1.0", name: "snp_pcr08", expiration: cluster.clock.in(365), value: [A] };
  expect(await cluster.data("upgrade")).toStrictEqual({
    [LIST]: old,
    [MAP]: `{\n  "snp_pcr08": "${encode(fields)}"\n}\n`,
  });
  expect((await values.up(inputs("upgrade"))).op).toBe("same");
  await values.destroy();
  expect(await cluster.data("upgrade")).toStrictEqual({ [LIST]: old, [MAP]: "{\n}\n" });
  expect(await annotations("upgrade")).toBeUndefined();
});

describe("invalid resources", () => {
  test.each([
    ["[", "it is not JSON (at character 1)"],
    ["{}", "it holds an object, as the other generation of Trustee does"],
  ])(
    "malformed (%s): a clear error at preview, at up and at destroy; nothing is written",
    async (text, problem) => {
      const configMap = `malformed-${text.length}`;
      cluster.configMap(configMap, { [LIST]: "[]" });
      const values = engine.resource("ReferenceValues");
      await values.up(inputs(configMap));
      await cluster.edit(configMap, { [LIST]: text });
      const message =
        `2 UNKNOWN: TA811 ConfigMap "${configMap}" in namespace "${cluster.namespace}": The reference values under the key "${LIST}" cannot be read: ${problem}. ` +
        'Trustee reads a JSON list of {"name", "expiration", "value"} there. Nothing was written; correct the ConfigMap by hand, ' +
        "then run again.";
      await expect(values.refresh()).rejects.toThrow(message);
      await expect(values.preview(inputs(configMap))).rejects.toThrow(message);
      await expect(values.destroy()).rejects.toThrow(message);
      await expect(engine.resource("ReferenceValues", "new").preview(inputs(configMap))).rejects.toThrow(
        message,
      );
      expect(await cluster.data(configMap)).toStrictEqual({ [LIST]: text });
    },
  );

  test("invalid digests and a validity of zero days are refused", async () => {
    const values = engine.resource("ReferenceValues");
    expect((await values.check(inputs("x", ["ABC"], { validityDays: 0 }))).failures).toStrictEqual({
      "digests.snp_pcr08[0]": "a digest in lower-case hex, or 32 bytes in base64",
      validityDays: "Too small: expected number to be >=1",
    });
  });

  test("bare metal claims are digests too, under any entry name: host data in both spellings, mr_config_id", async () => {
    const base64 = Buffer.from(A, "hex").toString("base64");
    const digests = { snp_host_data: [A, base64], "mr.config-id": ["ab".repeat(48)] };
    const values = engine.resource("ReferenceValues");
    const check = async (changed: PropertyMap) =>
      (await values.check(inputs("x", [], { digests: { ...digests, ...changed } }))).failures;
    expect(await check({})).toStrictEqual({});
    const reason = "a digest in lower-case hex, or 32 bytes in base64";
    expect(await check({ snp_host_data: [A.toUpperCase(), base64.slice(1), A] })).toStrictEqual({
      "digests.snp_host_data[0]": reason,
      "digests.snp_host_data[1]": reason,
    });
    expect(await check({ "mr.config-id": ["abc"], "": [A] })).toStrictEqual({
      'digests["mr.config-id"][0]': reason,
      'digests[""]': expect.any(String) as unknown,
    });
    cluster.configMap("bare-metal", { [LIST]: "[]" });
    await values.up(inputs("bare-metal", [], { digests }));
    const live = (await cluster.data("bare-metal")) as Record<string, string>;
    const written = JSON.parse(live[LIST] ?? "") as { name: string; value: string[] }[];
    expect(Object.fromEntries(written.map(({ name, value }) => [name, value.toSorted()]))).toStrictEqual({
      snp_host_data: [A, base64].toSorted(),
      "mr.config-id": ["ab".repeat(48)],
    });
    expect((await values.up(inputs("bare-metal", [], { digests }))).op).toBe("same");
    await values.destroy();
    expect(await cluster.data("bare-metal")).toStrictEqual({ [LIST]: "[]" });
  });

  test("unknown digests at preview make unknown outputs", async () => {
    cluster.configMap("unknown", { [LIST]: "[]" });
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

  test("a deleted ConfigMap: the resource is gone, and its delete succeeds; it cannot be imported", async () => {
    cluster.configMap("going", { [LIST]: "[]" });
    const values = engine.resource("ReferenceValues");
    await values.up(inputs("going"));
    cluster.delete("ConfigMap", "going");
    const { state } = values;
    expect(await values.refresh()).toBe(false);
    values.state = state;
    await values.destroy();
    await expect(values.import(`${cluster.namespace}/going/${LIST}`)).rejects.toThrow(
      "TA816 This kind of resource cannot be imported. Declare it, and it takes over what exists.",
    );
  });
});
