import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accessChanges, changeLine } from "../../../core/access/changes.ts";
import { accessMatrix, type Column } from "../../../core/access/matrix.ts";
import { mergeGrants, type GrantTable, type StackGrants } from "../../../core/policy/grants.ts";
import { joinPolicy, stacksAfterJoin } from "../../../core/policy/share.ts";

const claims = { pod1: "a1", pod2: "b2", pod3: "c3" } as const;
type Pods = Readonly<Record<string, string>>;

function grants(
  secrets: GrantTable,
  others: StackGrants["others"] = "affirming",
  stack = "dev",
): StackGrants {
  return { stack, others, secrets };
}

const tutorial = grants({
  "fraud-dataset": { "*": { a1: "pod1" } },
  "p2-secret": { "*": { b2: "pod2" } },
});
const tutorialColumns: readonly Column[] = [
  { secret: "fraud-dataset", key: "dataset_key" },
  { secret: "p2-secret", key: "secret" },
  { secret: "kbsres1", key: "key1" },
];

function lines(
  live: string | null,
  own: StackGrants,
  columns: readonly Column[] = tutorialColumns,
  pods: Pods = claims,
): readonly string[] {
  const rows = Object.entries(pods).map(([pod, initData]) => ({ pod, namespace: "default", initData }));
  const matrix = accessMatrix(mergeGrants(stacksAfterJoin(live, own)), rows, columns);
  return accessChanges(live, own, matrix).map(changeLine);
}

describe("what a deployment does to the matrix", () => {
  const live = joinPolicy("package before\n", tutorial);

  it("is nothing where the same is deployed again", () => {
    expect(lines(live, tutorial)).toEqual([]);
  });

  it("is nothing where only initdata change, and the readers go by other claims", () => {
    const own = grants({ "fraud-dataset": { "*": { a9: "pod1" } }, "p2-secret": { "*": { b9: "pod2" } } });
    expect(lines(live, own, tutorialColumns, { pod1: "a9", pod2: "b9", pod3: "c9" })).toEqual([]);
  });

  it("calls out a cell that opens before one that closes", () => {
    const own = grants({ "fraud-dataset": { "*": { a1: "pod1" } }, "p2-secret": { "*": { c3: "pod3" } } });
    expect(lines(live, own)).toEqual([
      "OPENS   pod3 -> p2-secret/secret (was: not among its readers; will be: granted)",
      "closes  pod2 -> p2-secret/secret (was: granted; will be: not among its readers)",
    ]);
  });

  it("sees that a secret which is declared no more is open to everybody from now on", () => {
    const own = grants({ "fraud-dataset": { "*": { a1: "pod1" } } });
    expect(lines(live, own, tutorialColumns.slice(0, 1))).toEqual([
      "OPENS   pod1 -> p2-secret/* (was: not among its readers; will be: nobody restricts it)",
      "OPENS   pod3 -> p2-secret/* (was: not among its readers; will be: nobody restricts it)",
      "OPENS   every other pod -> p2-secret/* (was: not among its readers; will be: nobody restricts it)",
    ]);
  });

  it("sees that all other secrets are opened, or closed", () => {
    const denied = joinPolicy(null, { ...tutorial, others: "deny" });
    expect(lines(denied, tutorial)).toEqual([
      ...["pod1", "pod2", "pod3", "every other pod"].map(
        (pod) =>
          `OPENS   ${pod} -> kbsres1/key1 (was: everything else is denied; will be: nobody restricts it)`,
      ),
      "OPENS   every other pod -> every other secret (was: everything else is denied; will be: nobody restricts it)",
    ]);
    expect(lines(live, { ...tutorial, others: "deny" }).every((line) => line.startsWith("closes "))).toBe(
      true,
    );
  });

  it("lets a pod that is removed lose what it was granted", () => {
    const own = grants({ "fraud-dataset": { "*": { a1: "pod1" } }, "p2-secret": {} });
    expect(lines(live, own, tutorialColumns, { pod1: "a1", pod3: "c3" })).toEqual([
      "closes  pod2 -> p2-secret/secret (was: granted; will be: not among its readers)",
    ]);
  });

  it("sees a key alone", () => {
    const one = joinPolicy(null, grants({ s: { k: { a1: "pod1" } } }));
    const columns = ["k", "l"].map((key) => ({ secret: "s", key }));
    expect(lines(one, grants({ s: { "*": { a1: "pod1" } } }), columns)).toEqual([
      "OPENS   pod1 -> s/l (was: not among its readers; will be: granted)",
    ]);
    expect(lines(one, grants({ s: { l: { a1: "pod1" } } }), columns.slice(1))).toEqual([
      "OPENS   pod1 -> s/l (was: not among its readers; will be: granted)",
      "closes  pod1 -> s/k (was: granted; will be: not among its readers)",
    ]);
  });

  it("opens another stack's secret only where this stack grants it", () => {
    const other = joinPolicy(null, grants({ theirs: { "*": { d4: "pod4" } } }, "affirming", "other"));
    const columns = [{ secret: "theirs", key: "k" }, ...tutorialColumns];
    expect(lines(other, grants({ ...tutorial.secrets, theirs: { "*": { a1: "pod1" } } }), columns)).toEqual([
      "OPENS   pod1 -> theirs/k (was: not among its readers; will be: granted)",
      "closes  pod1 -> p2-secret/secret (was: nobody restricts it; will be: not among its readers)",
      "closes  pod2 -> fraud-dataset/dataset_key (was: nobody restricts it; will be: not among its readers)",
      "closes  pod3 -> fraud-dataset/dataset_key (was: nobody restricts it; will be: not among its readers)",
      "closes  pod3 -> p2-secret/secret (was: nobody restricts it; will be: not among its readers)",
      "closes  every other pod -> fraud-dataset/dataset_key (was: nobody restricts it; will be: not among its readers)",
      "closes  every other pod -> p2-secret/secret (was: nobody restricts it; will be: not among its readers)",
    ]);
  });

  it.each([
    ["no policy", null],
    ["somebody else's policy", "package policy\ndefault allow = true\n"],
  ])("says nothing where there is %s: it cannot be compared", (_, foreign) => {
    expect(lines(foreign, tutorial)).toEqual([]);
  });

  it("is nothing once it has been deployed, whatever it was (property)", () => {
    const table = fc.dictionary(
      fc.constantFrom("s1", "s2", "s3"),
      fc.dictionary(
        fc.constantFrom("*", "k1", "k2"),
        fc.dictionary(fc.constantFrom("a1", "b2", "c3"), fc.constant("pod1")),
      ),
    );
    const stack = fc.record({
      stack: fc.constantFrom("dev", "other"),
      others: fc.constantFrom("affirming" as const, "deny" as const),
      secrets: table,
    });
    const columns = ["s1", "s2"].map((secret) => ({ secret, key: "k1" }));
    fc.assert(
      fc.property(stack, stack, (before, own) => {
        const named = { ...own, stack: "dev", secrets: byClaim(own.secrets) };
        const deployed = joinPolicy(joinPolicy(null, { ...before, secrets: byClaim(before.secrets) }), named);
        expect(lines(deployed, named, columns)).toEqual([]);
      }),
    );
  });
});

/** Every reader under the name of the pod that makes its claim. */
function byClaim(secrets: GrantTable): GrantTable {
  const names: Pods = Object.fromEntries(Object.entries(claims).map(([pod, claim]) => [claim, pod]));
  return Object.fromEntries(
    Object.entries(secrets).map(([secret, keys]) => [
      secret,
      Object.fromEntries(
        Object.entries(keys).map(([key, readers]) => [
          key,
          Object.fromEntries(Object.keys(readers).map((claim) => [claim, names[claim] ?? claim])),
        ]),
      ),
    ]),
  );
}
