import { describe, expect, test } from "vitest";
import { EMPTY_LEDGER, readLedgers, writeLedgers } from "../../../core/reference-values/ledger.ts";
import { joinReferenceValues } from "../../../core/reference-values/merge.ts";
import { EXPIRATION as expiration, left, request } from "./support/world.ts";

const A = "aa".repeat(32);
const B = "bb".repeat(32);
const C = "cc".repeat(32);

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("formatting", () => {
  test("is that of jq in the tutorial", () => {
    const list = (...value: string[]): string => {
      const entries = [
        { name: "snp_pcr08", value, x: 1 },
        { name: "n", value: [] },
      ];
      return JSON.stringify(
        entries.map((entry) => ({ expiration, ...entry })),
        null,
        2,
      );
    };
    expect(joinReferenceValues(request(list(B), [A])).content).toBe(list(B, A));
  });

  test("keeps unusual layouts, with tabs and CRLF", () => {
    const live = `[\r\n\t{ "value": [ "${B}" ],\r\n\t\t"name":"snp_pcr08",   "expiration": "${expiration}" } ]\r\n`;
    expect(joinReferenceValues(request(live, [A])).content).toBe(
      `[\r\n\t{ "value": [ "${B}", "${A}" ],\r\n\t\t"name":"snp_pcr08",   "expiration": "${expiration}" } ]\r\n`,
    );
  });

  test.each([
    ["nothing", null],
    ["an empty text", ""],
    ["what 0.18 installs", "[\n]\n"],
    ["[]", "[]"],
  ])("writes a new entry in %s on several lines", (_, live) => {
    const end = live?.endsWith("\n") === true ? "\n" : "";
    expect(joinReferenceValues(request(live, [A])).content).toBe(
      JSON.stringify([{ name: "snp_pcr08", expiration, value: [A] }], null, 2) + end,
    );
  });

  test("gives a new entry the layout of its neighbors", () => {
    const one = '[{"name":"n","expiration":"x","value":[]}]';
    expect(joinReferenceValues(request(one, [A])).content).toBe(
      `[{"name":"n","expiration":"x","value":[]},{"name":"snp_pcr08","expiration":"${expiration}","value":["${A}"]}]`,
    );
  });

  test("is padded base64url of JSON for 0.21", () => {
    const { content } = joinReferenceValues(request("{\n}\n", [A], { key: "reference_value" }));
    const json = `{"version":"0.1.0","name":"snp_pcr08","expiration":"${expiration}","value":["${A}"]}`;
    const encoded = Buffer.from(json).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
    expect(content).toBe(`{\n  "snp_pcr08": "${encoded}"\n}\n`);
  });
});

describe("foreign values", () => {
  test("keep a digest that was there before joining", () => {
    const live = JSON.stringify([{ name: "snp_pcr08", expiration, value: [B, A] }]);
    const joined = joinReferenceValues(request(live, [A, C]));
    expect(joined.content).toBe(JSON.stringify([{ name: "snp_pcr08", expiration, value: [B, A, C] }]));
    expect(joined.ownership).toStrictEqual({ added: { snp_pcr08: [C] }, created: {}, before: live });
    const edited = JSON.stringify([{ name: "snp_pcr08", expiration, value: [A, C], note: "theirs" }]);
    expect(left(joined, { live: edited })).toStrictEqual({
      content: JSON.stringify([{ name: "snp_pcr08", expiration, value: [A], note: "theirs" }]),
      ledger: EMPTY_LEDGER,
    });
  });

  test("get the digest in both entries of a name that a map has twice", () => {
    const entry = (value: string) =>
      encode({ version: "0.1.0", name: "snp_pcr08", expiration, value: [value] });
    const live = `{"snp_pcr08":"${entry(B)}","snp_pcr08":"${entry(C)}"}`;
    const { content } = joinReferenceValues(request(live, [A], { key: "reference_value" }));
    const decoded = [...(content ?? "").matchAll(/:"([^"]+)"/g)].map(
      ([, one]) => (JSON.parse(Buffer.from(one ?? "", "base64url").toString()) as { value: unknown }).value,
    );
    expect(decoded).toStrictEqual([
      [B, A],
      [C, A],
    ]);
  });
});

describe("expiry", () => {
  const created = joinReferenceValues(request("[]", [A]));

  test("an entry of ours is renewed before it expires, and restored after another client changed it", () => {
    const again = (live: string | null, renewBefore: string) =>
      joinReferenceValues(
        request(live, [A], {
          ledger: created.ledger,
          remembered: created.ownership,
          terms: { snp_pcr08: { expiration: "2029-01-01T00:00:00Z", renewBefore } },
        }),
      );
    expect(again(created.content, "2027-11-22T00:00:00Z").content).toBe(created.content);
    const renewed = again(created.content, "2027-11-24T00:00:00Z");
    expect(renewed.content).toBe(created.content?.replace(expiration, "2029-01-01T00:00:00Z"));
    expect(renewed.ownership.created).toStrictEqual({ snp_pcr08: "2029-01-01T00:00:00Z" });
    expect(again(created.content?.replace(expiration, "2020-01-01T00:00:00Z") ?? null, "").content).toBe(
      created.content,
    );
  });

  test("a foreign entry is never renewed", () => {
    const live = JSON.stringify([{ name: "snp_pcr08", expiration: "2020-01-01T00:00:00Z", value: [] }]);
    const terms = { snp_pcr08: { expiration, renewBefore: "2027-01-01T00:00:00Z" } };
    expect(joinReferenceValues(request(live, [A], { terms })).content).toBe(
      JSON.stringify([{ name: "snp_pcr08", expiration: "2020-01-01T00:00:00Z", value: [A] }]),
    );
  });

  test("when its creator leaves, another stack that uses the entry keeps it from expiring", () => {
    const both = joinReferenceValues(request(created.content, [B], { ledger: created.ledger, owner: "b" }));
    const rest = left(both, { remembered: created.ownership });
    expect(rest.ledger.created).toStrictEqual({ snp_pcr08: { owner: "b", expiration } });
    const next = joinReferenceValues(
      request(rest.content, [B], {
        ledger: rest.ledger,
        owner: "b",
        remembered: both.ownership,
        terms: { snp_pcr08: { expiration: "2029-01-01T00:00:00Z", renewBefore: "2028" } },
      }),
    );
    expect(next.ownership.created).toStrictEqual({ snp_pcr08: "2029-01-01T00:00:00Z" });
  });
});

test.each([
  ["[", "reference-values.json", "it is not JSON (at character 1)"],
  ["{}", "reference-values.json", "it holds an object, as the other generation of Trustee does"],
  ["7", "reference-values.json", "it holds a number"],
  ['[{"name":"n","expiration":"x"}]', "reference-values.json", 'entry [0] has no "value"'],
  ['[{"name":"n","value":[]}]', "reference-values.json", 'entry [0] has no "expiration"'],
  ["[7]", "reference-values.json", "entry [0] is not an object"],
  ["[]", "reference_value", "it holds a list, as the other generation of Trustee does"],
  ['{"n": 7}', "reference_value", 'entry "n" is not a text'],
  ['{"n": null}', "reference_value", 'entry "n" is not a text'],
])("a malformed document is an error that says why: %s under %s", (live, key, problem) => {
  const wanted =
    key === "reference_value"
      ? 'a JSON object of name -> base64url of JSON {"version", "name", "expiration", "value"}'
      : 'a JSON list of {"name", "expiration", "value"}';
  expect(() => joinReferenceValues(request(live, [A], { key }))).toThrow(
    `TA811 The reference values under the key "${key}" cannot be read: ${problem}. Trustee reads ${wanted} there. `,
  );
});

describe("the ledger's annotation", () => {
  test("is removed when no stack is in it", () => {
    expect(writeLedgers({ "reference-values.json": EMPTY_LEDGER })).toBeNull();
  });

  test("omits an original text that is too long; the state still has it", () => {
    const live = JSON.stringify([{ name: "n", expiration, value: ["x".repeat(70_000)] }]);
    const joined = joinReferenceValues(request(live, [A]));
    const annotation = writeLedgers({ "reference-values.json": joined.ledger });
    expect(annotation?.length).toBeLessThan(1_000);
    const ledger = readLedgers(annotation ?? undefined)["reference-values.json"] ?? EMPTY_LEDGER;
    expect(left(joined, { ledger }).content).toBe(live);
  });

  test.each([undefined, "", "{", "7", "[]", '{"k":{}}', '{"k":{"added":7,"created":{},"owners":{}}}'])(
    "%s is read as empty",
    (annotation) => {
      expect(readLedgers(annotation)).toStrictEqual({});
    },
  );
});
