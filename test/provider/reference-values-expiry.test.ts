import { describe, expect, test } from "vitest";
import { unknown, type PropertyMap } from "../../provider/protocol/property-value.ts";
import { bench } from "./bench.ts";
import {
  A,
  B,
  encode,
  entry,
  inputsIn,
  list,
  LIST,
  liveContentOf,
  MAP,
} from "./reference-values-fixtures.ts";

const { cluster, engine } = await bench();
const { clock } = cluster;

const inputs = (configMap: string, snp?: readonly string[], more?: PropertyMap) =>
  inputsIn(cluster.namespace, configMap, snp, more);

const warningsSince = (count: number) => engine.messages("WARNING").slice(count);

describe("a missing entry", () => {
  test.each([
    [LIST, "[]"],
    [LIST, "[\n]\n"],
    [LIST, ""],
    [MAP, "{}"],
    [MAP, "{\n}\n"],
    [MAP, ""],
  ])("is created in %s: %j, with an expiration that is then kept", async (key, before) => {
    const configMap = `create-${key.replaceAll(/[^a-z]/g, "")}-${before.length}`;
    cluster.configMap(configMap, { [key]: before });
    const values = engine.resource("ReferenceValues");
    expect((await values.preview(inputs(configMap))).outputs).toMatchObject({
      created: unknown,
      liveContent: unknown,
      expiries: unknown,
      added: { snp_pcr08: [A] },
      before,
    });
    const expiration = clock.in(365);
    const { outputs } = await values.up(inputs(configMap));
    expect(outputs).toMatchObject({
      created: { snp_pcr08: expiration },
      expiries: { snp_pcr08: expiration },
    });
    clock.laterBy(7);
    expect((await values.up(inputs(configMap))).op).toBe("same");
    const data = (await cluster.data(configMap)) as Record<string, string>;
    const fields = { name: "snp_pcr08", expiration, value: [A] };
    const expected = key === LIST ? [fields] : { snp_pcr08: encode({ version: "0.1.0", ...fields }) };
    expect(JSON.parse(data[key] ?? "")).toStrictEqual(expected);
    await values.destroy();
    expect(await cluster.data(configMap)).toStrictEqual({ [key]: before });
  });

  test("is renewed 30 days before it expires, by an update that a preview shows", async () => {
    cluster.configMap("renew", { [LIST]: "[]" });
    const values = engine.resource("ReferenceValues");
    const first = clock.in(365);
    await values.up(inputs("renew"));
    clock.laterBy(334);
    expect((await values.preview(inputs("renew"))).op).toBe("same");
    clock.laterBy(2);
    const warned = engine.messages("WARNING").length;
    expect(await values.drift()).toBe("expires soon: snp_pcr08");
    const renewed = await values.up(inputs("renew"));
    expect(renewed).toMatchObject({ op: "update", outputs: { created: { snp_pcr08: clock.in(365) } } });
    expect(clock.in(365)).not.toBe(first);
    expect((await values.up(inputs("renew"))).op).toBe("same");
    expect(warningsSince(warned)).toStrictEqual([]);
  });

  test("follows a changed validity; one shorter than the notice is not renewed at every run", async () => {
    cluster.configMap("validity", { [LIST]: "[]" });
    const values = engine.resource("ReferenceValues");
    await values.up(inputs("validity"));
    const changed = await values.up(inputs("validity", [A], { validityDays: 10 }));
    expect(changed).toMatchObject({
      diff: { validityDays: "update" },
      outputs: { created: { snp_pcr08: clock.in(10) } },
    });
    clock.laterBy(3);
    expect((await values.up(inputs("validity", [A], { validityDays: 10 }))).op).toBe("same");
    clock.laterBy(3);
    expect((await values.up(inputs("validity", [A], { validityDays: 10 }))).op).toBe("update");
  });

  test("may have a validity of its own", async () => {
    cluster.configMap("single", { [LIST]: "[]" });
    const values = engine.resource("ReferenceValues");
    const both = { digests: { snp_pcr08: [A], tdx_pcr08: [B] } };
    const wanted = inputs("single", [A], { ...both, validityDaysOf: { tdx_pcr08: 90 } });
    const first = { snp_pcr08: clock.in(365), tdx_pcr08: clock.in(90) };
    expect((await values.up(wanted)).outputs).toMatchObject({ created: first, expiries: first });
    clock.laterBy(59);
    expect((await values.up(wanted)).op).toBe("same");
    clock.laterBy(2);
    const renewed = { snp_pcr08: first.snp_pcr08, tdx_pcr08: clock.in(90) };
    expect(await values.up(wanted)).toMatchObject({
      diff: { drift: "update" },
      outputs: { created: renewed, expiries: renewed },
    });
    const longer = inputs("single", [A], { ...both, validityDaysOf: { tdx_pcr08: 180 } });
    const reset = { snp_pcr08: first.snp_pcr08, tdx_pcr08: clock.in(180) };
    expect((await values.up(longer)).outputs).toMatchObject({ created: reset, expiries: reset });
    expect((await values.up(longer)).op).toBe("same");
  });

  test("shows as drift if its expiration was changed by hand", async () => {
    cluster.configMap("expired", { [LIST]: "[]" });
    const values = engine.resource("ReferenceValues");
    const { outputs } = await values.up(inputs("expired"));
    const live = liveContentOf(outputs);
    await cluster.edit("expired", {
      [LIST]: live.replace(/"expiration": "[^"]+"/, '"expiration": "2020-01-01T00:00:00Z"'),
    });
    expect((await values.preview(inputs("expired"))).op).toBe("update");
    await values.up(inputs("expired"));
    expect(await cluster.data("expired")).toStrictEqual({ [LIST]: live });
  });
});

test("warns of others' entries that are about to expire, but not of ours", async () => {
  const expiration = clock.in(20);
  cluster.configMap("beside", { [LIST]: list(entry([B], { expiration })) });
  const values = engine.resource("ReferenceValues");
  const digests = { snp_pcr08: [A], tdx_pcr08: [A] };
  const wanted = inputs("beside", [A], { digests, validityDaysOf: { tdx_pcr08: 20 } });
  const before = engine.messages("WARNING").length;
  expect((await values.up(wanted)).outputs).toMatchObject({
    created: { tdx_pcr08: clock.in(20) },
    expiries: { snp_pcr08: expiration, tdx_pcr08: clock.in(20) },
  });
  expect((await values.up(wanted)).op).toBe("same");
  const theirs =
    `The reference value "snp_pcr08" in ConfigMap "beside" expires in 19 days (${expiration}). ` +
    "This stack did not create it, so it does not renew it: set a later expiration there by hand.";
  expect(warningsSince(before)).toStrictEqual([theirs, theirs]);
  // A changed expiration is drift, and is restored.
  const live = ((await cluster.data("beside")) as Record<string, string>)[LIST] ?? "";
  const sooner = clock.in(10);
  await cluster.edit("beside", {
    [LIST]: live.replace(/(tdx_pcr08[^}]*"expiration": ")[^"]+/, `$1${sooner}`),
  });
  await values.up(wanted);
  expect(warningsSince(before).filter((said) => said.includes("tdx_pcr08"))).toStrictEqual([]);
});

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
      `The reference value "snp_pcr08" in ConfigMap "theirs--1" has expired (${expiration}). It still matches: ` +
      "Trustee ignores the expiration. This stack did not create it, so it does not renew it: set a later expiration there by hand.",
  ],
])("expiry of another client's entry is warned of in time, and not before: %s", async (_, days, expected) => {
  const expiration = clock.in(days);
  const configMap = `theirs-${days}`;
  cluster.configMap(configMap.replace("--", "-m"), { [LIST]: list(entry([B], { expiration })) });
  const values = engine.resource("ReferenceValues");
  const wanted = inputs(configMap.replace("--", "-m"));
  const message = expected(expiration)?.replace("--", "-m");
  const before = engine.messages("WARNING").length;
  await values.up(wanted);
  await values.up(wanted);
  expect(warningsSince(before)).toStrictEqual(message === undefined ? [] : [message, message]);
});
