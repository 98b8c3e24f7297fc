import { describe, expect, test } from "vitest";
import { EMPTY_LEDGER, type Ledger } from "../../../core/reference-values/ledger.ts";
import {
  carriedOver,
  joinReferenceValues,
  leaveReferenceValues,
  type JoinRequest,
} from "../../../core/reference-values/merge.ts";
import { EXPIRATION as expiration, left, request, stored } from "./support/world.ts";

const A = "aa".repeat(32);
const B = "bb".repeat(32);
const C = "cc".repeat(32);

describe("others reorder entries", () => {
  const entry = (name: string, value: readonly string[], until = expiration): object => ({
    name,
    expiration: until,
    value,
  });
  const list = (...entries: readonly object[]): string => JSON.stringify(entries);
  const THEIR_DATE = "2031-01-01T00:00:00Z";
  const key = "reference-values.json";

  test("a new entry of the same name comes first: the stack's own entry still changes and leaves with it", () => {
    const first = joinReferenceValues(request("[]", [A]));
    const theirs = entry("snp_pcr08", ["x"], THEIR_DATE);
    const live = list(theirs, entry("snp_pcr08", [A]));
    const rotated = joinReferenceValues(
      request(live, [B], { ledger: first.ledger, remembered: first.ownership }),
    );
    expect(rotated.content).toBe(list(entry("snp_pcr08", ["x", B], THEIR_DATE), entry("snp_pcr08", [B])));
    expect(left(rotated)).toStrictEqual({ content: list(theirs), ledger: EMPTY_LEDGER });
  });

  test("the first entry of a name is removed: the stack's digest still leaves the other one", () => {
    const theirs = [entry("snp_pcr08", ["x"], THEIR_DATE), entry("snp_pcr08", ["y"])];
    const joined = joinReferenceValues(request(list(...theirs), [A]));
    const live = list(entry("snp_pcr08", ["y", A]));
    expect(left(joined, { live }).content).toBe(list(entry("snp_pcr08", ["y"])));
  });

  test("a foreign entry that has our digest too keeps it, at any position", () => {
    const joined = joinReferenceValues(request("[]", [A]));
    const theirs = entry("snp_pcr08", [A], THEIR_DATE);
    for (const live of [list(theirs, entry("snp_pcr08", [A])), list(entry("snp_pcr08", [A]), theirs)]) {
      expect(left(joined, { live }).content).toBe(list(theirs));
    }
  });

  test.each(["snp_pcr08 (2)", "constructor", "__proto__"])(
    "an entry of ours called %s is removed when we leave",
    (name) => {
      const wanted = Object.fromEntries([[name, [A]]]);
      const terms = Object.fromEntries([[name, { expiration, renewBefore: "" }]]);
      const theirs = list(entry("snp_pcr08", ["x"]), entry("snp_pcr08", ["y"]));
      const joined = joinReferenceValues(request(theirs, [], { wanted, terms }));
      expect(JSON.parse(joined.content ?? "")).toStrictEqual([
        entry("snp_pcr08", ["x"]),
        entry("snp_pcr08", ["y"]),
        entry(name, [A]),
      ]);
      expect(left(joined, { ledger: stored(joined.ledger) })).toStrictEqual({
        content: theirs,
        ledger: EMPTY_LEDGER,
      });
    },
  );

  describe("a record of an older release, which counted the entries of a name", () => {
    const theirs = [entry("snp_pcr08", ["x"], THEIR_DATE), entry("snp_pcr08", [A, "y"])];
    const digests = { snp_pcr08: [A, B], "snp_pcr08 (2)": [B] };
    const old = { before: list(...theirs), added: digests, created: {}, owners: { a: digests } };
    const live = list(entry("snp_pcr08", ["x", A, B], THEIR_DATE), entry("snp_pcr08", [A, "y", B]));
    const remembered = { added: digests, created: {}, before: list(...theirs) };

    test("nothing changes without need, not even the record", () => {
      expect(joinReferenceValues(request(live, [A, B], { ledger: old, remembered }))).toStrictEqual({
        content: live,
        ledger: old,
        ownership: { ...remembered, added: { snp_pcr08: [A, B] } },
      });
    });

    test("a change removes only our values, and updates the record", () => {
      const { content, ledger } = joinReferenceValues(request(live, [C], { ledger: old, remembered }));
      expect(content).toBe(list(entry("snp_pcr08", ["x", C], THEIR_DATE), entry("snp_pcr08", [A, "y", C])));
      expect(ledger).toStrictEqual({
        before: list(...theirs),
        added: { snp_pcr08: [C] },
        created: {},
        owners: { a: { snp_pcr08: [C] } },
        theirs: {},
      });
    });

    test("a new entry before them gets none of the stack's values", () => {
      const added = entry("snp_pcr08", [A], "2032-01-01T00:00:00Z");
      const now = list(added, entry("snp_pcr08", ["x", A, B], THEIR_DATE), entry("snp_pcr08", [A, "y", B]));
      const rest = leaveReferenceValues({ key, live: now, ledger: old, owner: "a", remembered });
      expect(rest).toStrictEqual({ content: list(added, ...theirs), ledger: EMPTY_LEDGER });
    });

    test("our values in the original text, as after an upgrade of Trustee, are still removed", () => {
      const ledger = { ...old, before: live };
      const state = { ...remembered, before: live };
      const rest = leaveReferenceValues({ key, live, ledger, owner: "a", remembered: state });
      expect(rest.content).toBe(list(...theirs));
    });

    test("an entry whose name looks like a count is read as a name if it exists", () => {
      const [named, z] = [{ "snp_pcr08 (2)": [B] }, "snp_pcr08 (2)"];
      const before = list(...theirs, entry(z, ["z"]));
      const ledger = { before, added: named, created: {}, owners: { a: named } };
      const now = list(...theirs, entry(z, ["z", B]));
      const state = { added: named, created: {}, before };
      const rest = leaveReferenceValues({ key, live: now, ledger, owner: "a", remembered: state });
      expect(rest.content).toBe(before);
    });
  });
});

describe("an expiration that no Trustee can read", () => {
  test("is never written: no entry is created without a term", () => {
    const without = (terms: JoinRequest["terms"]) => () => joinReferenceValues(request("[]", [A], { terms }));
    for (const wrong of ["", "2027", "2027-11-23T00:00:00+01:00", "2027-13-23T00:00:00Z"]) {
      expect(without({ snp_pcr08: { expiration: wrong, renewBefore: "" } })).toThrow(
        `the reference value "snp_pcr08" was to be written with the expiration "${wrong}"`,
      );
    }
    expect(without({})).toThrow('was to be written with the expiration ""');
  });

  test("is replaced by the next owner in an entry that an older release left", () => {
    const live = JSON.stringify([{ name: "snp_pcr08", expiration: "", value: [A] }]);
    const ledger = {
      before: "[]",
      added: { snp_pcr08: [A] },
      created: { snp_pcr08: { owner: "b", expiration: "" } },
      owners: { b: { snp_pcr08: [A] } },
    };
    const joined = joinReferenceValues(request(live, [C], { ledger }));
    expect(joined.content).toBe(JSON.stringify([{ name: "snp_pcr08", expiration, value: [A, C] }]));
    expect(joined.ledger.created).toStrictEqual({ snp_pcr08: { owner: "b", expiration } });
  });

  test("that is only in the record is not restored", () => {
    const created = joinReferenceValues(request("[]", [A]));
    const forged = { ...created.ledger, created: { snp_pcr08: { owner: "a", expiration: "soon" } } };
    const terms = { snp_pcr08: { expiration: "2029-01-01T00:00:00Z", renewBefore: "" } };
    const joined = joinReferenceValues(request(created.content, [A], { ledger: forged, terms }));
    expect(joined.content).toBe(created.content?.replace(expiration, "2029-01-01T00:00:00Z"));
  });
});

test("two owners find everything converted to the new format: each removes its own part, on a change and at its end", () => {
  const key = "reference_value";
  const converted = (value: readonly string[]): string => {
    const json = JSON.stringify({ version: "0.1.0", name: "snp_pcr08", expiration, value });
    return JSON.stringify({ snp_pcr08: Buffer.from(json).toString("base64") });
  };
  const [theirs, shared] = [converted(["x"]), converted(["x", A, B])];
  const moved = (live: string | null, ledger: Ledger, owner: string, digest: string, wanted: string) => {
    const had = { added: { snp_pcr08: [digest] }, created: {}, before: "[]" };
    const remembered = carriedOver(key, live, ledger, had);
    // The first one cannot know yet that B belongs to another of our owners.
    expect(remembered.before).toBe(owner === "a" ? converted(["x", B]) : theirs);
    return joinReferenceValues(request(live, [wanted], { key, ledger, owner, remembered }));
  };
  const a = moved(shared, EMPTY_LEDGER, "a", A, C);
  expect(a.content).toBe(converted(["x", B, C]));
  expect(left(a, { key }).content).toBe(converted(["x", B]));
  const both = moved(a.content, a.ledger, "b", B, B);
  expect(both.content).toBe(a.content);
  const { content, ledger } = left(both, { key, remembered: a.ownership });
  expect(content).toBe(converted(["x", B]));
  expect(left({ ...both, content, ledger }, { key, owner: "b" })).toStrictEqual({
    content: theirs,
    ledger: EMPTY_LEDGER,
  });
});
