import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  joinSecret,
  leaveSecret,
  readEntries,
  readLedger,
  writeLedger,
  type SecretResources,
} from "../../../core/kbs-config/entries.ts";
import { UserError } from "../../../core/issues.ts";
import { forAll } from "../../support/for-all.ts";

const secret = fc.constantFrom("a", "b", "c");
const entries = fc.array(fc.constantFrom("a", "b", "c", "kbsres1"), { maxLength: 5 });
const start = entries.map((list): SecretResources => ({ entries: list, ledger: {} }));

describe("laws", () => {
  test("joining keeps all other names; leaving restores the list", () => {
    forAll(start, secret, (before, name) => {
      const joined = joinSecret(before, name, "urn");
      const present = before.entries.includes(name);
      expect(joined.entries).toStrictEqual(present ? before.entries : [...before.entries, name]);
      expect(joined.added).toBe(!present);
      expect(leaveSecret(joined, name, "urn", joined.added)).toMatchObject(before);
    });
  });

  test("joining twice equals joining once, with or without the state", () => {
    forAll(start, secret, fc.boolean(), (before, name, state) => {
      const once = joinSecret(before, name, "urn");
      expect(joinSecret(once, name, "urn", state ? once.added : undefined)).toStrictEqual(once);
    });
  });

  test("with two owners, the name stays until both have left, in any order", () => {
    forAll(start, secret, secret, fc.boolean(), (before, one, two, oneFirst) => {
      const first = joinSecret(before, one, "1");
      const second = joinSecret(first, two, "2");
      const going = oneFirst
        ? ([one, "1", first.added, two, "2", second.added] as const)
        : ([two, "2", second.added, one, "1", first.added] as const);
      const half = leaveSecret(second, going[0], going[1], going[2]);
      expect(half.entries).toContain(going[3]);
      expect(leaveSecret(half, going[3], going[4], going[5])).toStrictEqual(before);
    });
  });
});

test("restores a foreign name that was removed, and keeps it on leaving", () => {
  const back = joinSecret({ entries: ["b"], ledger: {} }, "a", "urn", false);
  expect(back).toStrictEqual({ entries: ["b", "a"], ledger: {}, added: false });
  expect(leaveSecret(back, "a", "urn", false).entries).toStrictEqual(["b", "a"]);
});

test("removes a name that the state has as added, if the ledger is lost", () => {
  expect(leaveSecret({ entries: ["b", "a", "a"], ledger: {} }, "a", "urn", true)).toStrictEqual({
    entries: ["b"],
    ledger: {},
  });
});

const kbsConfig = { name: "k", namespace: "n" };

test.each([
  [undefined, []],
  [null, []],
  [[], []],
  [["a"], ["a"]],
])("reads the list %j", (list, expected) => {
  expect(readEntries(list, kbsConfig)).toStrictEqual(expected);
});

test.each([
  { list: 7, problem: "is not a list" },
  { list: {}, problem: "is not a list" },
  { list: [7], problem: "has an entry that is not a name" },
])("refuses $list, which is no list of names", ({ list, problem }) => {
  expect(() => readEntries(list, kbsConfig)).toThrow(
    new UserError(
      "TA811",
      `spec.kbsSecretResources of KbsConfig "k" in namespace "n" ${problem}. Make it a list of names of Secrets: kubectl edit kbsconfig k -n n`,
    ),
  );
});

test("removes an empty ledger, and reads a damaged one without what is damaged", () => {
  expect(writeLedger({})).toBeNull();
  expect(writeLedger({ b: ["2"], a: ["1"] })).toBe('{"a":["1"],"b":["2"]}');
  for (const damaged of [undefined, "", "{", "[]", '{"a":"1"}', '{"a":[7]}']) {
    expect(readLedger(damaged)).toStrictEqual({});
  }
  expect(readLedger('{"a":["1"],"b":7,"c":["2",7],"d":null}')).toStrictEqual({ a: ["1"], c: ["2"] });
});
