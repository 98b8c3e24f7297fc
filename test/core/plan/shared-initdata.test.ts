import { describe, expect, it } from "vitest";
import { changeLine } from "../../../core/access/changes.ts";
import { matrixText } from "../../../core/access/matrix.ts";
import { sharedInitdataWarnings } from "../../../core/preflight/warnings.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import { joinPolicy, retiringReaders } from "../../../core/policy/share.ts";
import type { RawSettings } from "../../../core/settings/settings.ts";
import { planOf, settingsOf } from "../../fixtures/settings.ts";

const document = (name: string): string =>
  `algorithm = "sha256"\nversion = "0.1.0"\nname = "${name}"\n[data]\n`;
const files = { "s.toml": document("s"), "t.toml": document("t"), "own.toml": document("own") };

const pod = (name: string, initdataFile: string) => ({ name, initdataFile });
const sound: RawSettings = {
  secrets: [{ name: "db", keys: ["key"] }],
  pods: [pod("a", "s.toml"), pod("b", "s.toml"), pod("c", "own.toml")],
  grants: [{ pod: "a", secret: "db" }],
};

function plan(change: RawSettings = {}, policy: string | null = null) {
  const settings = settingsOf({ ...sound, ...change });
  const planned = planOf(settings, { files, policy });
  return { ...planned, warnings: sharedInitdataWarnings(settings, planned) };
}

/** The policy after a deployment, with the previous digests in their grace period. */
function deployed(plan: Plan, former?: Plan): string {
  const before =
    former === undefined ? "package policy\n" : joinPolicy(null, former.grants, "package policy\n");
  const declared = former === undefined ? {} : { declared: former.grants.secrets };
  return joinPolicy(before, plan.grants, undefined, { rotation: plan.rotation, ...declared });
}

describe("an initdata file of several pods", () => {
  it("is one reader in the policy, the matrix and the reference values", () => {
    const { grants, matrix, digests, readers, warnings } = plan();
    const [shared = "", other = ""] = [readers[0]?.initData, readers[2]?.initData];
    expect(grants.secrets).toEqual({ db: { "*": { "azure-vtpm": { [shared]: "a, b" } } } });
    expect(matrixText(matrix)).toEqual(["   db/key", "a  ✓ may read", "b  ✓ may read", "c  ✗ denied"]);
    expect(digests["snp_pcr08"]).toEqual([shared, other].sort());
    expect(warnings).toEqual([
      "grants: a, b share the initdata s.toml, so they are one reader to Trustee: all of them can read db/*, which is not granted to all of them. Grant it to all of them, or give each its own initdata.",
    ]);
  });

  it("gives no warning if all its pods are granted the same", () => {
    const each = plan({ grants: ["a", "b"].map((name) => ({ pod: name, secret: "db" })) });
    expect(each.warnings).toEqual([]);
    expect(each.grants).toEqual(plan().grants);
    expect(plan({ grants: [] }).warnings).toEqual([]);
  });

  it("opens nothing to a pod that keeps sharing it, and everything to one that joins", () => {
    const policy = deployed(plan());
    expect(plan({}, policy).accessChanges).toEqual([]);
    const alone = deployed(plan({ pods: [pod("a", "s.toml"), pod("b", "t.toml"), pod("c", "own.toml")] }));
    expect(plan({}, alone).accessChanges.map(changeLine)).toEqual([
      "OPENS   b -> db/key (was: not among its readers; will be: granted)",
    ]);
  });

  it("has a grace period while all its pods may still read", () => {
    const former = plan();
    const pods = [pod("a", "t.toml"), pod("b", "t.toml"), pod("c", "own.toml")];
    const together = plan({ pods }, deployed(former));
    expect(together.changing).toEqual(["a", "b"]);
    expect(retiringReaders(deployed(together, former), "o/p/s")).toEqual(["a", "b"]);
    const apart = plan(
      { pods: [pod("a", "t.toml"), pod("b", "own.toml")], grants: [{ pod: "a", secret: "db" }] },
      deployed(former),
    );
    expect(retiringReaders(deployed(apart, former), "o/p/s")).toEqual([]);
  });
});
