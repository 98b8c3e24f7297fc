import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changeRecords, type ChangeRecord } from "../../../core/access/changes.ts";
import { diffAccess, diffText, doubtsIn, withProgramChanges } from "../../../cli/diff/diff.ts";
import type { AccessReport } from "../../../core/access/matrix.ts";
import { allowedReasons, deniedReasons } from "../../../core/access/model.ts";
import { forAll } from "../../support/for-all.ts";

const tutorial: AccessReport = {
  pod1: { "fraud-dataset/dataset_key": "granted", "p2-secret/secret": "not-a-reader" },
  pod2: { "fraud-dataset/dataset_key": "not-a-reader", "p2-secret/secret": "granted" },
};

describe("the change from one matrix to another", () => {
  it.each<[string, AccessReport | undefined, AccessReport, ...string[]]>([
    ["none", tutorial, tutorial],
    [
      "a grant added, a grant removed",
      tutorial,
      { ...tutorial, pod1: { "fraud-dataset/dataset_key": "not-a-reader", "p2-secret/secret": "granted" } },
      "opens pod1 p2-secret/secret",
      "closes pod1 fraud-dataset/dataset_key",
    ],
    [
      "a first deployment",
      undefined,
      tutorial,
      "opens pod1 fraud-dataset/dataset_key",
      "opens pod2 p2-secret/secret",
    ],
    ["a removed pod", tutorial, { pod1: tutorial["pod1"] ?? {} }, "closes pod2 p2-secret/secret"],
    [
      "a new pod with a grant",
      { pod1: { "a/b": "granted", "open/key": "not-restricted" } },
      {
        pod1: { "a/b": "granted", "open/key": "not-restricted" },
        pod2: { "a/b": "granted", "open/key": "not-restricted" },
      },
      "opens pod2 a/b",
    ],
    [
      "a new unrestricted secret",
      { pod1: { "a/b": "granted" } },
      { pod1: { "a/b": "granted", "open/key": "not-restricted" } },
      "opens pod1 open/key",
    ],
    ["a secret that leaves the matrix", { pod1: { "a/b": "granted" } }, { pod1: {} }],
  ])("%s", (_, before, after, ...expected) => {
    expect(diffAccess(before, after).map(({ effect, pod, path }) => `${effect} ${pod} ${path}`)).toEqual(
      expected,
    );
  });

  const why = fc.constantFrom(...allowedReasons, ...deniedReasons);
  const row = fc.record({ "a/b": why, "c/d": why, "e/f": why });
  const report = fc.record({ pod1: row, pod2: row });

  it("is none from a matrix to itself, and the reverse closes what the change opens", () => {
    forAll(report, report, (one, other) => {
      const effects = (changes: ReturnType<typeof diffAccess>, effect: string): readonly string[] =>
        changes.filter((change) => change.effect === effect).map(({ pod, path }) => `${pod} ${path}`);
      expect(diffAccess(one, one)).toEqual([]);
      const [there, back] = [diffAccess(one, other), diffAccess(other, one)];
      expect(effects(there, "opens")).toEqual(effects(back, "closes"));
    });
  });
});

describe("the changes that the program found in the live policy", () => {
  const change = {
    effect: "opens",
    pod: "every other pod",
    path: "every other secret",
    before: "others-denied",
    after: "not-restricted",
  } as const;

  it("are output as data, unknown ones first", () => {
    expect(changeRecords(["edited"], [change])).toEqual([
      { effect: "UNKNOWN", doubt: "edited" },
      {
        effect: "OPENS",
        pod: "every other pod",
        secret: "every other secret",
        before: "others-denied",
        after: "not-restricted",
      },
    ]);
  });

  it("are added, each cell once", () => {
    const own = diffAccess(tutorial, { ...tutorial, pod2: { "p2-secret/secret": "not-a-reader" } });
    const closing = { effect: "closes", pod: "pod2", path: "p2-secret/secret" } as const;
    const records = changeRecords([], [change, { ...closing, before: "granted", after: "not-a-reader" }]);
    expect(
      diffText({ changes: withProgramChanges(own, records), initdata: [], otherReaders: [], doubts: [] }),
    ).toBe(
      `OPENS   every other pod -> every other secret (was: everything else is denied; will be: nobody restricts it)
closes  pod2 -> p2-secret/secret (was: granted; will be: not among its readers)`,
    );
  });
});

describe("unknown changes", () => {
  const opens: ChangeRecord = {
    effect: "OPENS",
    pod: "a",
    secret: "b/c",
    before: "unknown",
    after: "granted",
  };

  it("are the program's records with the effect UNKNOWN, and are shown first", () => {
    const records: readonly ChangeRecord[] = [opens, { effect: "UNKNOWN", doubt: "edited" }];
    expect(doubtsIn(records)).toEqual(["edited"]);
    const changes = withProgramChanges([], records);
    expect(diffText({ changes, initdata: [], otherReaders: [], doubts: doubtsIn(records) })).toBe(
      `UNKNOWN the live policy was edited by hand, or written by another release: what it allows now is unknown
OPENS   a -> b/c (was: not known; will be: granted)`,
    );
  });

  it("never hide a cell that one of two comparisons reports as opened", () => {
    const closes = { effect: "closes", pod: "a", path: "b/c", before: "x", after: "y" } as const;
    expect(withProgramChanges([closes], [opens])).toEqual([
      { effect: "opens", pod: "a", path: "b/c", before: "not known", after: "granted" },
    ]);
  });
});
