import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  accessChanges,
  changeLine,
  changeRecords,
  doubtLine,
  policyDoubts,
} from "../../../core/access/changes.ts";
import { withProgramChanges } from "../../../cli/diff/diff.ts";
import { accessMatrix, type Column } from "../../../core/access/matrix.ts";
import { mergeGrants, type GrantTable, type StackGrants } from "../../../core/policy/grants.ts";
import { joinPolicy, stacksAfterJoin } from "../../../core/policy/share.ts";
import { forAll } from "../../support/for-all.ts";
import { allKeys } from "../../fixtures/grants.ts";

const claims = { pod1: "a1", pod2: "b2", pod3: "c3" } as const;
type Pods = Readonly<Record<string, string>>;

function grants(secrets: GrantTable, others: StackGrants["others"] = "affirming", stack = "dev") {
  return { stack, others, secrets };
}

const tutorial = grants({ "fraud-dataset": allKeys({ a1: "pod1" }), "p2-secret": allKeys({ b2: "pod2" }) });
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
  deployed: readonly string[] = Object.keys(pods),
): readonly string[] {
  const rows = Object.entries(pods).map(([pod, initData]) => ({
    ...{ pod, namespace: "default", initData },
    binding: "azure-vtpm" as const,
  }));
  const matrix = accessMatrix(mergeGrants(stacksAfterJoin(live, own)), rows, columns);
  return accessChanges(live, own, matrix, deployed).map(changeLine);
}

describe("the changes of a deployment", () => {
  const live = joinPolicy("package before\n", tutorial);

  it("are none if the same is deployed again", () => {
    expect(lines(live, tutorial)).toEqual([]);
  });

  it("are none if only initdata changes and the readers have new claims", () => {
    const own = grants({ "fraud-dataset": allKeys({ a9: "pod1" }), "p2-secret": allKeys({ b9: "pod2" }) });
    expect(lines(live, own, tutorialColumns, { pod1: "a9", pod2: "b9", pod3: "c9" })).toEqual([]);
  });

  it("list opened cells before closed ones", () => {
    const own = grants({ "fraud-dataset": allKeys({ a1: "pod1" }), "p2-secret": allKeys({ c3: "pod3" }) });
    expect(lines(live, own)).toEqual([
      "OPENS   pod3 -> p2-secret/secret (was: not among its readers; will be: granted)",
      "closes  pod2 -> p2-secret/secret (was: granted; will be: not among its readers)",
    ]);
  });

  it("open a secret to every attested pod if it is no longer declared", () => {
    const own = grants({ "fraud-dataset": allKeys({ a1: "pod1" }) });
    expect(lines(live, own, tutorialColumns.slice(0, 1))).toEqual([
      "OPENS   pod1 -> p2-secret/* (was: not among its readers; will be: nobody restricts it)",
      "OPENS   pod3 -> p2-secret/* (was: not among its readers; will be: nobody restricts it)",
      "OPENS   every other pod -> p2-secret/* (was: not among its readers; will be: nobody restricts it)",
    ]);
  });

  it("open a secret of a lost state if the stack that takes over does not declare it", () => {
    const lost = joinPolicy("package before\n", { ...tutorial, identity: "lost" });
    const own = { ...grants({ "fraud-dataset": allKeys({ a1: "pod1" }) }), identity: "mine" };
    expect(lines(lost, own, tutorialColumns.slice(0, 1))).toContain(
      "OPENS   every other pod -> p2-secret/* (was: not among its readers; will be: nobody restricts it)",
    );
    expect(lines(lost, { ...tutorial, identity: "mine" })).toEqual([]);
  });

  it("show when all other secrets are opened or closed", () => {
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

  it("close the cells of a removed pod", () => {
    const own = grants({ "fraud-dataset": allKeys({ a1: "pod1" }), "p2-secret": {} });
    expect(lines(live, own, tutorialColumns, { pod1: "a1", pod3: "c3" })).toEqual([
      "closes  pod2 -> p2-secret/secret (was: granted; will be: not among its readers)",
    ]);
  });

  it("show a single key", () => {
    const one = joinPolicy(null, grants({ s: { k: { "azure-vtpm": { a1: "pod1" } } } }));
    const columns = ["k", "l"].map((key) => ({ secret: "s", key }));
    expect(lines(one, grants({ s: allKeys({ a1: "pod1" }) }), columns)).toEqual([
      "OPENS   pod1 -> s/l (was: not among its readers; will be: granted)",
    ]);
    expect(lines(one, grants({ s: { l: { "azure-vtpm": { a1: "pod1" } } } }), columns.slice(1))).toEqual([
      "OPENS   pod1 -> s/l (was: not among its readers; will be: granted)",
      "closes  pod1 -> s/k (was: granted; will be: not among its readers)",
    ]);
  });

  it("open another stack's secret only if this stack grants it", () => {
    const other = joinPolicy(null, grants({ theirs: allKeys({ d4: "pod4" }) }, "affirming", "other"));
    const columns = [{ secret: "theirs", key: "k" }, ...tutorialColumns];
    expect(lines(other, grants({ ...tutorial.secrets, theirs: allKeys({ a1: "pod1" }) }), columns)).toEqual([
      "OPENS   pod1 -> theirs/k (was: not among its readers; will be: granted)",
      "closes  pod1 -> p2-secret/secret (was: nobody restricts it; will be: not among its readers)",
      "closes  pod2 -> fraud-dataset/dataset_key (was: nobody restricts it; will be: not among its readers)",
      "closes  pod3 -> fraud-dataset/dataset_key (was: nobody restricts it; will be: not among its readers)",
      "closes  pod3 -> p2-secret/secret (was: nobody restricts it; will be: not among its readers)",
      "closes  every other pod -> fraud-dataset/dataset_key (was: nobody restricts it; will be: not among its readers)",
      "closes  every other pod -> p2-secret/secret (was: nobody restricts it; will be: not among its readers)",
    ]);
  });

  describe("of a reader deployed elsewhere", () => {
    const vendor = (claim: string): StackGrants => grants({ "p2-secret": allKeys({ [claim]: "vendor" }) });
    const columns = tutorialColumns.slice(1, 2);
    const deployedElsewhere = (from: string, to: string, deployed: readonly string[] = []) =>
      lines(joinPolicy(null, vendor(from)), vendor(to), columns, { vendor: to }, deployed);

    it("treat another claim under the same name as another reader", () => {
      expect(deployedElsewhere("d4", "e5")).toEqual([
        "OPENS   vendor -> p2-secret/secret (was: not among its readers; will be: granted)",
        "closes  vendor (former initdata) -> p2-secret/secret (was: granted; will be: not among its readers)",
      ]);
    });

    it("are none for the same claim, or for a new claim of a pod deployed here", () => {
      expect(deployedElsewhere("d4", "d4")).toEqual([]);
      expect(deployedElsewhere("d4", "e5", ["vendor"])).toEqual([]);
    });

    it("close nothing for a claim that reads the same under another name", () => {
      const two = (one: string, other: string): StackGrants =>
        grants({ "p2-secret": allKeys({ [one]: "one", [other]: "other" }) });
      const pods = { one: "b2", other: "a1" };
      expect(lines(joinPolicy(null, two("a1", "b2")), two("b2", "a1"), columns, pods, [])).toEqual([]);
    });
  });

  describe("if the live policy's rules do not match its lines", () => {
    const other = grants({ "p2-secret": allKeys({ d4: "spy" }) }, "affirming", "invented");
    const line = joinPolicy(null, other)
      .split("\n")
      .find((one) => one.startsWith("# trustee-access: stack"));
    const forged = live.replace("# trustee-access: before", `${line ?? ""}\n# trustee-access: before`);
    const doubt =
      "UNKNOWN the live policy was edited by hand, or written by another release: what it allows now is unknown";

    it("report the mismatch, and nothing if they match", () => {
      expect(policyDoubts(live)).toEqual([]);
      expect(policyDoubts(null)).toEqual([]);
      expect(policyDoubts("package policy\n\ndefault allow = true\n")).toEqual([]);
      for (const edited of [forged, live.replace("default allow = false", "default allow = true")]) {
        expect(policyDoubts(edited).map(doubtLine)).toEqual([doubt]);
      }
    });

    it("show the grants in another stack's line as opened: this up turns a forged comment into a rule", () => {
      expect(lines(forged, tutorial)).toEqual([
        "OPENS   spy of stack invented -> p2-secret/* (was: not known; will be: granted)",
      ]);
      // If rules and comments agree, the cell was open before, and is reported as open elsewhere.
      expect(lines(joinPolicy(live, other), tutorial)).toEqual([]);
    });

    it("do not count a forged line of the stack as a previous grant", () => {
      const own = grants({ ...tutorial.secrets, "p2-secret": allKeys({ b2: "pod2", c3: "pod3" }) });
      const comment = live.replace(
        '"p2-secret":{"*":{"azure-vtpm":{"b2":"pod2"}}}',
        '"p2-secret":{"*":{"azure-vtpm":{"b2":"pod2","c3":"pod3"}}}',
      );
      expect(comment).not.toBe(live);
      expect(lines(comment, own)).toEqual([
        "OPENS   pod3 -> p2-secret/secret (was: not known; will be: granted)",
      ]);
    });

    it("show a secret whose line is gone as no longer restricted", () => {
      const both = joinPolicy(live, grants({ theirs: allKeys({ d4: "pod4" }) }, "affirming", "other"));
      const gone = both.replace(/^# trustee-access: stack .*"other".*\n/m, "");
      expect(gone).not.toBe(both);
      expect(lines(gone, tutorial).filter((text) => text.includes("every other pod"))).toEqual([
        "OPENS   every other pod -> theirs/* (was: not known; will be: nobody restricts it)",
      ]);
    });

    it("open everything that an unreadable text grants", () => {
      const unreadable = live.replace("restricted = {", "restricted = {,");
      expect(lines(unreadable, tutorial).filter((text) => text.includes("granted"))).toEqual([
        "OPENS   pod1 -> fraud-dataset/dataset_key (was: not known; will be: granted)",
        "OPENS   pod2 -> p2-secret/secret (was: not known; will be: granted)",
      ]);
    });
  });

  it.each([
    ["no policy", null],
    ["one that an operator installs", "package policy\ndefault allow = true\n"],
  ])("are none if there is %s: every affirming pod reads everything already", (_, stock) => {
    expect(lines(stock, tutorial)).toEqual([]);
    expect(policyDoubts(stock)).toEqual([]);
  });

  describe("if the live policy is foreign", () => {
    const foreign = "package policy\ndefault allow = false\nallow if input.x == 1\n";

    it.each([
      foreign,
      "",
      "# package policy\n",
      live.replaceAll("trustee-access", "somebody"),
      "default allow = true",
    ])("open everything that the new policy allows, because the previous access is unknown: %j", (theirs) => {
      expect(policyDoubts(theirs)).toEqual(["foreign"]);
      expect(lines(theirs, tutorial)).toEqual([
        "OPENS   pod1 -> fraud-dataset/dataset_key (was: not known; will be: granted)",
        "OPENS   pod1 -> kbsres1/key1 (was: not known; will be: nobody restricts it)",
        "OPENS   pod2 -> p2-secret/secret (was: not known; will be: granted)",
        "OPENS   pod2 -> kbsres1/key1 (was: not known; will be: nobody restricts it)",
        "OPENS   pod3 -> kbsres1/key1 (was: not known; will be: nobody restricts it)",
        "OPENS   every other pod -> kbsres1/key1 (was: not known; will be: nobody restricts it)",
        "OPENS   every other pod -> every other secret (was: not known; will be: nobody restricts it)",
      ]);
    });

    it("open only the grants if everything else will be denied", () => {
      expect(lines(foreign, { ...tutorial, others: "deny" })).toEqual([
        "OPENS   pod1 -> fraud-dataset/dataset_key (was: not known; will be: granted)",
        "OPENS   pod2 -> p2-secret/secret (was: not known; will be: granted)",
      ]);
    });

    it("begin with a report of it, and make a comparison fail", () => {
      const matrix = accessMatrix(mergeGrants([tutorial]), [], []);
      const records = changeRecords(policyDoubts(foreign), accessChanges(foreign, tutorial, matrix, []));
      expect(records.map(({ effect }) => effect)).toEqual(["UNKNOWN", "OPENS"]);
      expect(withProgramChanges([], records).map(({ effect }) => effect)).toEqual(["opens"]);
      expect(policyDoubts(foreign).map(doubtLine)).toEqual([
        "UNKNOWN the live policy is foreign, and will be replaced: what the foreign policy allows now is unknown",
      ]);
    });
  });

  it("are none after any deployment (property)", () => {
    const table = fc.dictionary(
      fc.constantFrom("s1", "s2", "s3"),
      fc.dictionary(fc.constantFrom("*", "k1", "k2"), fc.uniqueArray(fc.constantFrom("a1", "b2", "c3"))),
    );
    const stack = fc.record({
      stack: fc.constantFrom("dev", "other"),
      others: fc.constantFrom("affirming" as const, "deny" as const),
      secrets: table,
    });
    const columns = ["s1", "s2"].map((secret) => ({ secret, key: "k1" }));
    forAll(stack, stack, (before, own) => {
      const named = { ...own, stack: "dev", secrets: byClaim(own.secrets) };
      const deployed = joinPolicy(joinPolicy(null, { ...before, secrets: byClaim(before.secrets) }), named);
      expect(lines(deployed, named, columns)).toEqual([]);
    });
  });
});

/** Every reader, under the name of the pod with its claim. */
function byClaim(secrets: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>): GrantTable {
  const names: Pods = Object.fromEntries(Object.entries(claims).map(([pod, claim]) => [claim, pod]));
  return Object.fromEntries(
    Object.entries(secrets).map(([secret, keys]) => [
      secret,
      Object.fromEntries(
        Object.entries(keys).map(([key, readers]) => [
          key,
          { "azure-vtpm": Object.fromEntries(readers.map((claim) => [claim, names[claim] ?? claim])) },
        ]),
      ),
    ]),
  );
}
