import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readDocument } from "../../../core/reference-values/document.ts";
import { EMPTY_LEDGER, type Digests } from "../../../core/reference-values/ledger.ts";
import { encode, join, leave, LIST, MAP, type World } from "./support/world.ts";
import { forAll } from "../../support/for-all.ts";

const digest = fc.constantFrom("aa", "bb", "cc", "dd", "ee", "ff").map((byte) => byte.repeat(32));
const entryName = fc.constantFrom("snp_pcr08", "tdx_pcr08", "snp_launch_measurement");
const wanted: fc.Arbitrary<Digests> = fc.dictionary(
  fc.constantFrom("snp_pcr08", "tdx_pcr08"),
  fc.uniqueArray(digest, { maxLength: 3 }),
);
const indent = fc.constantFrom(undefined, 1, 2, 4, "\t");
const theirEntry = fc.record({
  version: fc.constantFrom("0.1.0", "0.2.0"),
  name: entryName,
  expiration: fc.constantFrom("2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"),
  value: fc.oneof(fc.array(digest, { maxLength: 4 }), digest, fc.constant([1, true, "x"])),
  note: fc.string(),
});

const listText = fc
  .tuple(fc.array(theirEntry, { maxLength: 4 }), indent, fc.constantFrom("", "\n"))
  .map(([entries, space, end]) => JSON.stringify(entries, null, space) + end);
const mapText = fc
  .tuple(
    fc.uniqueArray(theirEntry, { maxLength: 3, selector: ({ name }) => name }),
    indent,
    indent,
    fc.constantFrom("", "\n"),
  )
  .map(
    ([entries, outer, inner, end]) =>
      JSON.stringify(
        Object.fromEntries(entries.map((entry) => [entry.name, encode(JSON.stringify(entry, null, inner))])),
        null,
        outer,
      ) + end,
  );
const blank = fc.constantFrom<(string | null)[]>(null, "", "  \n");
const start: fc.Arbitrary<World> = fc
  .oneof(
    fc.record({ key: fc.constant(LIST), content: fc.oneof(listText, blank) }),
    fc.record({ key: fc.constant(MAP), content: fc.oneof(mapText, blank) }),
  )
  .map((text) => ({ ...text, ledger: EMPTY_LEDGER, states: {} }));

const loneText: World = {
  key: LIST,
  content: JSON.stringify([
    { name: "snp_pcr08", expiration: "2030-01-01T00:00:00Z", value: "aa".repeat(32) },
  ]),
  ledger: EMPTY_LEDGER,
  states: {},
};

/** Whether every entry of the name has each wanted digest. */
function holds(world: World, digests: Digests): void {
  const { entries } = readDocument(world.key, world.content);
  for (const [name, list] of Object.entries(digests)) {
    const found = entries.filter((entry) => entry.name === name);
    if (list.length > 0) expect(found.length).toBeGreaterThan(0);
    for (const entry of found) expect(entry.values).toStrictEqual(expect.arrayContaining([...list]));
  }
}

/** All original entries are still there in order, with all fields, and with their values in order. */
function keepsAll(world: World, before: World): void {
  const now = readDocument(world.key, world.content).entries.map((entry) => entry);
  for (const [at, entry] of readDocument(before.key, before.content).entries.entries()) {
    const same = now[at];
    if (same === undefined) throw new Error(`entry ${at} is gone`);
    expect(same.values.slice(0, entry.values.length)).toStrictEqual(entry.values);
    const fields = (json: string): unknown => ({ ...(JSON.parse(json) as object), value: undefined });
    expect(fields(same.json)).toStrictEqual(fields(entry.json));
  }
}

describe("laws", () => {
  test("joining adds the digests and keeps everything else; leaving restores every byte", () => {
    forAll(start, wanted, (before, digests) => {
      const joined = join(before, "a", digests);
      holds(joined, digests);
      keepsAll(joined, before);
      expect(leave(joined, "a").content).toBe(before.content);
    });
  });

  test("only a stack's last declaration counts", () => {
    forAll(start, wanted, wanted, (before, first, second) => {
      const changed = join(join(before, "a", first), "a", second);
      holds(changed, second);
      keepsAll(changed, before);
      const direct = join(before, "a", second);
      const sorted = (world: World) =>
        readDocument(world.key, world.content).entries.map(({ name, values }) => [name, [...values].sort()]);
      expect(sorted(changed).sort()).toStrictEqual(sorted(direct).sort());
      expect(leave(changed, "a").content).toBe(before.content);
    });
  });

  test("two stacks: each one's digests stay while the other joins and leaves, in any order, and the last one restores", () => {
    forAll(start, wanted, wanted, fc.boolean(), (before, one, two, oneFirst) => {
      const both = join(join(before, "a", one), "b", two);
      holds(both, one);
      holds(both, two);
      keepsAll(both, before);
      const [first, last, rest] = oneFirst ? (["a", "b", two] as const) : (["b", "a", one] as const);
      const half = leave(both, first);
      holds(half, rest);
      keepsAll(half, before);
      expect(leave(half, last).content).toBe(before.content);
    });
  });

  test("a stack's own state suffices if the ledger is lost", () => {
    forAll(start, wanted, wanted, (before, first, second) => {
      const joined = { ...join(before, "a", first), ledger: EMPTY_LEDGER };
      const changed = { ...join(joined, "a", second), ledger: EMPTY_LEDGER };
      holds(changed, second);
      keepsAll(changed, before);
      expect(leave(changed, "a").content).toBe(before.content);
    });
  });

  test("the ledger suffices if the state is lost after the write", () => {
    fc.assert(
      fc.property(start, wanted, (before, digests) => {
        const killed = { ...join(before, "a", digests), states: {} };
        const resumed = join(killed, "a", digests);
        expect(resumed.content).toBe(killed.content);
        expect(leave(resumed, "a").content).toBe(before.content);
      }),
      // A foreign single text, which matches nothing, is the very digest.
      { examples: [[loneText, { snp_pcr08: ["aa".repeat(32)] }]] },
    );
  });

  test("foreign entries of a name keep their expiration, whatever is renewed", () => {
    const date = fc.constantFrom("2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z");
    forAll(
      fc.array(fc.record({ expiration: date, value: fc.array(digest, { maxLength: 3 }) }), {
        maxLength: 3,
      }),
      fc.boolean(),
      fc.boolean(),
      (theirs, replaced, edited) => {
        const A = "ab".repeat(32);
        const before: World = { key: LIST, content: "[]", ledger: EMPTY_LEDGER, states: {} };
        const created = join(before, "a", { snp_pcr08: [A] });
        const [made] = JSON.parse(created.content ?? "") as { expiration: string }[];
        const ours = edited ? { ...made, expiration: "2021-01-01T00:00:00Z" } : made;
        const named = theirs.map((entry) => ({ name: "snp_pcr08", ...entry }));
        const content = JSON.stringify(replaced ? named : [ours, ...named]);
        fc.pre(!replaced || named.length > 0);
        const renewed = join(
          { ...created, content },
          "a",
          { snp_pcr08: [A] },
          { expiration: "2029-01-01T00:00:00Z", renewBefore: "9" },
        );
        const now = JSON.parse(renewed.content ?? "") as { expiration: string }[];
        const expirations = theirs.map(({ expiration }) => expiration);
        const expected = replaced ? expirations : ["2029-01-01T00:00:00Z", ...expirations];
        expect(now.map(({ expiration }) => expiration)).toStrictEqual(expected);
        const left = leave(renewed, "a").content ?? "";
        expect(JSON.parse(left)).toStrictEqual(named);
      },
    );
  });
});
