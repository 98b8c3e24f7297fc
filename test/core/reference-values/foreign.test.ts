import { describe, expect, test } from "vitest";
import { readDocument } from "../../../core/reference-values/document.ts";
import { encode, join, leave, LIST, MAP, type World } from "./support/world.ts";

const A = "aa".repeat(32);
const expiration = "2030-01-01T00:00:00Z";

const world = (key: string, content: string): World => ({
  key,
  content,
  ledger: { added: {}, created: {}, owners: {} },
  states: {},
});

/** JSON of an entry, with its value as written. */
const entry = (name: string, value: string, more = ""): string =>
  `{ "name": "${name}",  "expiration": "${expiration}"${more}, "value": ${value} }`;

const written: Readonly<Record<string, (...entries: readonly string[]) => string>> = {
  [LIST]: (...entries) => `[\n  ${entries.join(",\n  ")}\n]`,
  [MAP]: (...entries) => {
    const literals = entries.map(
      (json) => `"${/"name": ?"([^"]*)"/.exec(json)?.[1] ?? ""}": "${encode(json)}"`,
    );
    return `{\n  ${literals.join(",\n  ")}\n}`;
  },
};

const VALUES = [
  "1",
  "true",
  "false",
  "null",
  "0",
  "-1.50e3",
  "9007199254740993",
  '"abcde"',
  '""',
  "{}",
  '{ "a": [1, { "b": null }] }',
  '[1, true, "x", [2], {"c": 1.0}]',
  "[]",
  `${"[".repeat(60)}${"]".repeat(60)}`,
];

describe.each([LIST, MAP])("another client's entry under %s", (key) => {
  const write = written[key] ?? (() => "");

  test.each(VALUES)("with the value %s keeps its bytes, and leaving restores everything", (value) => {
    const theirs = entry("svn", value, ', "x": 1');
    const before = write(theirs);
    const joined = join(world(key, before), "a", { snp_pcr08: [A] });
    const [first, ours] = readDocument(key, joined.content).entries;
    expect(first?.json).toBe(theirs);
    expect(ours).toMatchObject({ name: "snp_pcr08", values: [A] });
    expect(join(joined, "a", { snp_pcr08: [A] }).content).toBe(joined.content);
    expect(leave(joined, "a").content).toBe(before);
  });

  test("keeps another client's change of a digit beyond a double's precision when the stack leaves", () => {
    const joined = join(world(key, write(entry("svn", "9007199254740993"))), "a", { snp_pcr08: [A] });
    const [, ours = ""] = readDocument(key, joined.content).entries.map(({ json }) => json);
    const after = leave({ ...joined, content: write(entry("svn", "9007199254740992"), ours) }, "a");
    expect(readDocument(key, after.content).entries.map(({ json }) => json)).toStrictEqual([
      entry("svn", "9007199254740992"),
    ]);
  });

  test.each(["1", "true", "null", '{"a":1}'])(
    "with the value %s cannot take a digest, and is named in the error",
    (value) => {
      expect(() => join(world(key, write(entry("snp_pcr08", value))), "a", { snp_pcr08: [A] })).toThrow(
        `TA812 The reference values under the key "${key}" cannot hold digests: entry "snp_pcr08" has no list under "value". Nothing was written; `,
      );
    },
  );

  test.each(["1", "true", "null", '{"a":1}'])(
    "stays when the stack leaves, if it was the stack's own and now has the value %s",
    (value) => {
      const joined = join(world(key, write()), "a", { snp_pcr08: [A] });
      const changed = write(entry("snp_pcr08", value));
      expect(leave({ ...joined, content: changed }, "a").content).toBe(changed);
    },
  );

  test("becomes a list again if it was the stack's own and has a single text", () => {
    const joined = join(world(key, write()), "a", { snp_pcr08: [A] });
    const again = join({ ...joined, content: write(entry("snp_pcr08", `"${A}"`)) }, "a", { snp_pcr08: [A] });
    expect(readDocument(key, again.content).entries).toMatchObject([{ form: "list", values: [A] }]);
  });

  test("with the stack's digest as a single text is a list until the stack leaves", () => {
    const before = write(entry("snp_pcr08", `"${A}"`));
    const joined = join(world(key, before), "a", { snp_pcr08: [A] });
    expect(readDocument(key, joined.content).entries).toMatchObject([{ form: "list", values: [A] }]);
    expect(leave(joined, "a").content).toBe(before);
  });
});

describe("an entry of the map that Trustee cannot read", () => {
  const unpadded = Buffer.from(entry("n", "[1]", ', "y": 1')).toString("base64url");
  const odd = [
    ["!!", "is not base64url"],
    ["e30=", 'has no "name"'],
    ["eyI=", "is base64url, but not of JSON"],
    ["", "is base64url, but not of JSON"],
    ["NQ==", "is not an object"],
    [encode('{"name":"n","value":[]}'), 'has no "expiration"'],
    [
      encode('{"name":"n","expiration":"soon","value":[]}'),
      'has the expiration "soon", which the RVPS cannot read',
    ],
    [encode(`{"name":"n","expiration":"${expiration}"}`), 'has no "value"'],
    [unpadded.replace(/=+$/, ""), "is not base64url with padding"],
    [
      encode(entry("n", '"ÿÿÿ>>>"')).replaceAll("-", "+").replaceAll("_", "/"),
      "is not base64url with padding",
    ],
  ] as const;

  test.each(odd)("affects no other entry, and stays: %s", (literal, flaw) => {
    const before = `{"n":"${literal}","m":"${encode(entry("m", "1"))}"}`;
    expect(readDocument(MAP, before).entries[0]?.flaw).toBe(flaw);
    const joined = join(world(MAP, before), "a", { snp_pcr08: [A] });
    expect(joined.content).toContain(`"n":"${literal}","m":"${encode(entry("m", "1"))}"`);
    expect(leave(joined, "a").content).toBe(before);
  });

  test.each(odd.slice(0, 5))("is refused by name if it must take a digest: %s", (literal, flaw) => {
    const before = `{"snp_pcr08":"${literal}"}`;
    expect(() => join(world(MAP, before), "a", { snp_pcr08: [A] })).toThrow(`entry "snp_pcr08" ${flaw}`);
  });

  test.each(odd)("stays when the stack leaves, even in place of the stack's own: %s", (literal) => {
    const joined = join(world(MAP, "{}"), "a", { snp_pcr08: [A] });
    const content = `{"snp_pcr08":"${literal}"}`;
    expect(leave({ ...joined, content }, "a").content).toBe(content);
  });

  const spoil: readonly (readonly [string, (json: string) => string])[] = [
    ["without padding", (json) => encode(json).replace(/=+$/, "")],
    [
      "in the standard alphabet",
      (json) => Buffer.from(json.replace("}", ',"x":"ÿÿÿ>>>"}')).toString("base64"),
    ],
    ["over lines", (json) => encode(json).replace(/.{76}/g, "$&\\n")],
    ["without expiration", (json) => encode(json.replace(/"expiration":"[^"]*",/, ""))],
    ["with another expiration", (json) => encode(json.replace(/2027[^"]*/, "soon"))],
  ];
  test.each(spoil)("is fixed if it is the stack's own: %s", (_, spoiled) => {
    const joined = join(world(MAP, "{}"), "a", { snp_pcr08: [A] });
    const [ours] = readDocument(MAP, joined.content).entries;
    const content = `{"snp_pcr08":"${spoiled(ours?.json ?? "")}"}`;
    expect(content).not.toBe(joined.content);
    const again = join({ ...joined, content }, "a", { snp_pcr08: [A] });
    const [repaired] = readDocument(MAP, again.content).entries;
    expect(repaired).toMatchObject({ values: [A], expiration: "2027-11-23T00:00:00Z", form: "list" });
    expect(repaired).not.toHaveProperty("flaw");
  });
});

test.each([
  ["2030-02-30T00:00:00Z", true],
  ["2030-01-01T24:00:00Z", true],
  ["2030-01-01T00:00:00.000Z", true],
  ["2030-01-01T00:00:00+00:00", true],
  ["2030-01-01", true],
  ["2020-01-01T00:00:00Z", false],
])("the expiration %s is flawed: %s", (until, isFlawed) => {
  const [one] = readDocument(LIST, `[{"name":"n","expiration":"${until}","value":1}]`).entries;
  expect(one?.flaw !== undefined).toBe(isFlawed);
});
