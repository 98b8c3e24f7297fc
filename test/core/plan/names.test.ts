import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Plan } from "../../../core/plan/plan.ts";
import { listGrants } from "../../../core/policy/grants.ts";
import { readTable } from "../../../core/policy/registry.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import type { RawSettings } from "../../../core/settings/settings.ts";
import { planOf, settingsIssues, settingsOf } from "../../fixtures/settings.ts";

/** Inherited names that Kubernetes accepts. */
const secretNames = ["constructor", "db", "db-constructor"] as const;
const keyNames = ["constructor", "toString", "hasOwnProperty", "__defineGetter__", "valueOf", "key"] as const;
const podNames = ["constructor", "web", "store"] as const;

const granting = (grants: readonly object[]): RawSettings => ({
  secrets: secretNames.map((name) => ({
    name,
    keys: [...keyNames],
    from: name === "db" ? "generate" : "existing",
  })),
  pods: podNames.map((name) => ({ name })),
  referenceValues: { entries: { "azure-vtpm": ["snp_pcr08"] } },
  grants,
});

/** The policy's table as [secret, key, binding, init_data, reader]; `[secret]` if nobody may read it. */
function tableOf(plan: Plan): readonly string[] {
  const [, json = ""] = /^restricted = ([^]*?\n\})\n/m.exec(joinPolicy(null, plan.grants)) ?? [];
  const table = readTable(JSON.parse(json)) ?? {};
  const granted = listGrants(table).map(({ secret, key, binding, initData, reader }) => [
    ...[secret, key, binding],
    ...[initData, reader],
  ]);
  return [...Object.keys(table).map((secret) => [secret]), ...granted]
    .map((one) => JSON.stringify(one))
    .sort();
}

const grant = fc.record({
  pod: fc.constantFrom(...podNames),
  secret: fc.constantFrom(...secretNames),
  key: fc.constantFrom(...keyNames, undefined),
});

describe("inherited names", () => {
  it("are in the policy's table like any others: it holds exactly the grants", () => {
    const grants = fc.uniqueArray(grant, { maxLength: 8, selector: (one) => JSON.stringify(one) });
    fc.assert(
      fc.property(grants, (granted) => {
        const plan = planOf(settingsOf(granting(granted)));
        const claims = new Map(plan.readers.map(({ id, initData }) => [id, initData]));
        const expected = [
          ...new Set(
            ["db", ...granted.map(({ secret }) => secret)].map((secret) => JSON.stringify([secret])),
          ),
          ...granted.map(({ pod, secret, key = "*" }) =>
            JSON.stringify([secret, key, "azure-vtpm", claims.get(pod) ?? "", pod]),
          ),
        ];
        expect(tableOf(plan)).toEqual(expected.sort());
        const cells = plan.matrix.cells.filter(({ why }) => why === "granted");
        const may = granted.flatMap(({ pod, secret, key }) =>
          keyNames.filter((one) => key === undefined || key === one).map((one) => `${pod} ${secret}/${one}`),
        );
        expect(cells.map(({ pod, secret, key }) => `${pod} ${secret}/${key}`).sort()).toEqual(
          [...new Set(may)].sort(),
        );
      }),
      { numRuns: 50 },
    );
    expect(Object.keys(Object)).toEqual([]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it("do not change a program's objects, not even __proto__", () => {
    const settings = settingsOf(granting([{ pod: "web", secret: "db" }]));
    const plan = planOf({ ...settings, grants: [{ pod: "web", secret: "db", key: "__proto__" }] });
    const web = plan.readers.find(({ id }) => id === "web")?.initData;
    expect(tableOf(plan)).toContain(JSON.stringify(["db", "__proto__", "azure-vtpm", web, "web"]));
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it("are rejected if they would be lost between Pulumi and its providers", () => {
    const raw = JSON.parse(`{
      "secrets": [{ "name": "db", "keys": ["__proto__"], "from": "file", "files": { "__proto__": "f" } }],
      "podDefaults": { "image": "i", "claims": { "__proto__": "x" } },
      "referenceValues": { "entries": { "azure-vtpm": ["constructor"] } }
    }`) as RawSettings;
    expect(settingsIssues(raw).map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        "secrets[0].files.__proto__",
        "podDefaults.claims.__proto__",
        "secrets[0].keys[0]",
        "referenceValues.entries.azure-vtpm[0]",
      ]),
    );
  });

  it("find no file, value or object by inheritance", () => {
    const raw = {
      secrets: [{ name: "constructor", keys: ["k"], from: "setting" }],
      pods: [{ name: "constructor", initdataFile: "constructor" }],
    };
    expect(() => settingsOf(raw)).toThrow("secretValues.constructor.k: nothing");
    const [pod] = planOf(settingsOf(raw, { constructor: ["k"] })).pods;
    expect(pod?.toml).toContain('pod_name = "constructor"');
  });
});
