import { describe, expect, test } from "vitest";
import { EMPTY_LEDGER, type Digests, type Ledger } from "../../../core/reference-values/ledger.ts";
import { joinReferenceValues } from "../../../core/reference-values/merge.ts";
import {
  leftBehind,
  retireDigests,
  retiringDigests,
  stillRetiring,
} from "../../../core/reference-values/retiring.ts";
import { EXPIRATION as expiration, join as joinWorld, LIST as KEY } from "./support/world.ts";

const A1 = "a1".repeat(32);
const A2 = "a2".repeat(32);
const B1 = "b1".repeat(32);
const THEIRS = "cc".repeat(32);

const entry = (...values: string[]): string =>
  JSON.stringify({ name: "snp_pcr08", expiration: "2030-01-01T00:00:00Z", value: values });
const list = (...values: string[]): string => `[${entry(...values)}]`;

function join(content: string, ledger: Ledger, wanted: Digests, retiring: Digests = {}) {
  const joined = joinWorld({ key: KEY, content, ledger, states: {} }, "us", wanted, { retiring });
  return { content: joined.content ?? "", ledger: joined.ledger };
}

describe("the previous digests that stay", () => {
  const former = { digests: { snp_pcr08: [A1, B1] }, readers: { [A1]: "pod1", [B1]: "pod2" }, retiring: {} };

  test("are those of pods with new ones, by entry", () => {
    const rotation = { current: { [A2]: "pod1" }, overlapping: ["pod1"] };
    expect(retiringDigests({ snp_pcr08: [A2] }, former, rotation)).toStrictEqual({ snp_pcr08: [A1] });
  });

  test("are none with at-once, or if they are current", () => {
    expect(retiringDigests({ snp_pcr08: [A2] }, former, { current: {}, overlapping: [] })).toStrictEqual({});
    const exchanged = { current: { [A1]: "pod2", [B1]: "pod1" }, overlapping: ["pod1", "pod2"] };
    expect(retiringDigests({ snp_pcr08: [A1, B1] }, former, exchanged)).toStrictEqual({});
  });

  test("include those already in a grace period, until their own reader's ends", () => {
    const again = { ...former, digests: { snp_pcr08: [A2] }, retiring: { snp_pcr08: [A1, B1] } };
    const stay = (overlapping: string[]): Digests =>
      retiringDigests({ snp_pcr08: [A2] }, again, { current: { [A2]: "pod1" }, overlapping });
    expect(stay(["pod1", "pod2"])).toStrictEqual({ snp_pcr08: [A1, B1] });
    expect(stay(["pod1"])).toStrictEqual({ snp_pcr08: [A1] });
    expect(stay([])).toStrictEqual({});
  });
});

describe("in the document", () => {
  const first = join(list(THEIRS), EMPTY_LEDGER, { snp_pcr08: [A1] });
  const during = join(first.content, first.ledger, { snp_pcr08: [A2] }, { snp_pcr08: [A1] });

  const other = { key: KEY, owner: "other", wanted: { snp_pcr08: [A1] }, terms: {} };

  test("a previous digest stays, is in the ledger, and is removed alone", () => {
    expect(during.content).toBe(list(THEIRS, A1, A2));
    expect(during.ledger.retiring).toStrictEqual({ us: [A1] });
    expect(stillRetiring(during.ledger, "us", { snp_pcr08: [A1, B1] })).toStrictEqual({ snp_pcr08: [A1] });
    const after = retireDigests(KEY, during.content, during.ledger, "us");
    expect(after.content).toBe(list(THEIRS, A2));
    expect(after.ledger).toStrictEqual(join(first.content, first.ledger, { snp_pcr08: [A2] }).ledger);
    expect(retireDigests(KEY, after.content, after.ledger, "us")).toStrictEqual(after);
  });

  test("a digest that another client added is not removed", () => {
    const theirs = join(list(A1), EMPTY_LEDGER, { snp_pcr08: [A1] });
    const changed = join(theirs.content, theirs.ledger, { snp_pcr08: [A2] }, { snp_pcr08: [A1] });
    expect(changed.content).toBe(list(A1, A2));
    expect(retireDigests(KEY, changed.content, changed.ledger, "us").content).toBe(list(A1, A2));
    const left = (former: Digests, wanted: Digests): Digests =>
      leftBehind(KEY, changed.content, changed.ledger, former, wanted);
    expect(left({ snp_pcr08: [A1, B1], tdx_pcr08: [A1] }, { snp_pcr08: [A2] })).toStrictEqual({
      snp_pcr08: [A1],
    });
    expect(left({ snp_pcr08: [A1] }, { snp_pcr08: [A1, A2] })).toStrictEqual({});
    expect(leftBehind(KEY, during.content, during.ledger, { snp_pcr08: [A1] }, {})).toStrictEqual({});
  });

  test("another owner comes and leaves meanwhile without ending it", () => {
    const { ledger } = during;
    const came = joinReferenceValues({ ...other, live: during.content, ledger, wanted: { snp_pcr08: [B1] } });
    const went = joinReferenceValues({ ...other, live: came.content, ledger: came.ledger, wanted: {} });
    expect(went.content).toBe(during.content);
    expect(went.ledger.retiring).toStrictEqual({ us: [A1] });
  });

  test("a digest that another owner wants too stays afterwards", () => {
    const shared = joinReferenceValues({ ...other, live: during.content, ledger: during.ledger });
    expect(retireDigests(KEY, shared.content, shared.ledger, "us").content).toBe(list(THEIRS, A1, A2));
  });

  test.each([
    ["an entry that another client removed is not created", "[]", "[]"],
    [
      "an entry that another client inserted before gets nothing",
      `[${entry("x")},${entry(THEIRS, A1, A2)}]`,
      `[${entry("x")},${entry(THEIRS, A2)}]`,
    ],
    ["a current digest that another client removed is not restored", list(THEIRS, A1), list(THEIRS)],
  ])("the end of a grace period only removes: %s", (_, live, expected) => {
    const after = retireDigests(KEY, live, during.ledger, "us");
    expect(after.content).toBe(expected);
    expect(after.ledger.owners).toStrictEqual({ us: { snp_pcr08: [A2] } });
    const next = join(after.content ?? "", after.ledger, { snp_pcr08: [A2] });
    expect(next.content).toContain(A2);
    expect(next.content).not.toContain('"expiration":""');
  });

  test("the end of a grace period keeps the expiration of the stack's own entry", () => {
    const made = join("[]", EMPTY_LEDGER, { snp_pcr08: [A1] });
    const both = join(made.content, made.ledger, { snp_pcr08: [A2] }, { snp_pcr08: [A1] });
    const live = both.content.replace(expiration, "2020-01-01T00:00:00Z");
    const after = retireDigests(KEY, live, both.ledger, "us");
    expect(JSON.parse(after.content ?? "")).toStrictEqual([
      { name: "snp_pcr08", expiration: "2020-01-01T00:00:00Z", value: [A2] },
    ]);
  });
});
