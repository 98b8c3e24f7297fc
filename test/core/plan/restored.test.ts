import { describe, expect, it } from "vitest";
import { changeLine } from "../../../core/access/changes.ts";
import { otherReaderLine } from "../../../core/access/other-readers.ts";
import type { Before } from "../../../core/policy/registry.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { planOf, settingsOf } from "../../fixtures/settings.ts";
import { allKeys, stackGrants } from "../../fixtures/grants.ts";

const settings = settingsOf({
  secrets: [{ name: "db", keys: ["key"] }],
  pods: [{ name: "a" }],
  grants: [{ pod: "a", secret: "db" }],
});
const spy = allKeys({ c3: "spy" });
const backup = stackGrants("o/p/b", { db: spy, theirs: allKeys({ d4: "b1" }) });

function said(policy: Before, vanished = [backup]) {
  const plan = planOf(settings, { policy, vanished });
  return { opens: plan.accessChanges.map(changeLine), others: plan.otherReaders.map(otherReaderLine) };
}

const others = ["also read by: spy of stack o/p/b -> db/* (init_data c3)"];

describe("a line of another stack that the write restores", () => {
  const { grants } = planOf(settings);
  const deployed = joinPolicy(null, grants);

  it("opens this stack's secrets to its readers", () => {
    expect(said(deployed)).toEqual({
      opens: ["OPENS   spy of stack o/p/b -> db/* (was: not among its readers; will be: granted)"],
      others,
    });
    expect(said(deployed, [])).toEqual({ opens: [], others: [] });
    expect(said(deployed, [stackGrants("o/p/b", { db: {}, theirs: {} })])).toEqual({ opens: [], others: [] });
  });

  it("opens nothing if everybody or its readers read them already", () => {
    for (const policy of [null, joinPolicy(null, stackGrants("o/p/c", { db: spy }))])
      expect(said(policy).opens.filter((line) => line.startsWith("OPENS   spy of stack o/p/b"))).toEqual([]);
    const unrestricted = joinPolicy(null, stackGrants("o/p/c", { theirs: {} }));
    expect(said(unrestricted)).toMatchObject({
      opens: expect.not.arrayContaining([expect.stringContaining("OPENS")]) as unknown,
      others,
    });
  });

  it("opens them in a policy that was edited too", () => {
    const edited = deployed.replace("default allow = false", "default allow = true");
    expect(said(edited).opens).toContain(
      "OPENS   spy of stack o/p/b -> db/* (was: not known; will be: granted)",
    );
  });
});
