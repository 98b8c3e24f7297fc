import { describe, expect, it } from "vitest";
import { Issues } from "../../../core/issues.ts";
import { readSecretValues } from "../../../core/settings/secret-values.ts";
import { readSettings, type RawSettings } from "../../../core/settings/settings.ts";

/** Each problem of these settings and secret values as one line. */
function problems({ secretValues, ...raw }: RawSettings): readonly string[] {
  const { values, problems: known } = readSecretValues(secretValues, true);
  const names = Object.entries(values).map(([name, keys]) => [name, Object.keys(keys)] as const);
  const issues = new Issues();
  readSettings(raw, Object.fromEntries(names), known, issues);
  return issues.found.map(({ path, given }) => `${path}: ${given}`);
}

const typo = { image: "x:1", namespace: "shop", machinType: "y" };
const TYPO = 'podDefaults: the unknown setting "machinType"';
const secrets = [{ name: "s", keys: ["k"] }];

describe("podDefaults with a typo", () => {
  it("is the only problem, for any number of pods and grants that depend on it", () => {
    const pods = [{ name: "pod1" }, { name: "pod2" }];
    const grants = [
      { pod: "shop/pod1", secret: "s" },
      { pod: "pod2", secret: "s" },
      { pod: "default/pod2", secret: "s" },
    ];
    expect(problems({ podDefaults: typo, secrets, pods, grants })).toEqual([TYPO]);
  });

  it("hides problems that the misspelled setting may have fixed", () => {
    const pods = [
      { name: "tdx", algorithm: "sha384" },
      { name: "many", replicas: 2 },
      { name: "a.b" },
      { name: "web" },
      { name: "web", namespace: "default" },
    ];
    const readers = [{ name: "web", initdata: "ab".repeat(32) }];
    expect(problems({ podDefaults: typo, pods, readers: [] })).toEqual([TYPO]);
    expect(problems({ podDefaults: typo, pods: pods.slice(0, 4), readers })).toEqual([TYPO]);
  });

  it("hides no problem of a pod's own settings", () => {
    const pods = [
      { name: "Bad_1" },
      { name: "b", binding: "azure-vtpm", algorithm: "sha384" },
      { name: "c", kind: "Pod", replicas: 2 },
      { name: "d", namespace: "n_s", containerName: "C" },
      { name: "e" },
      { name: "e" },
      { name: "f", namespace: "n" },
      { name: "f", namespace: "n" },
    ];
    const grants = [
      { pod: "nobody", secret: "s" },
      { pod: "shop/f", secret: "s" },
    ];
    expect(problems({ podDefaults: typo, secrets, pods, grants })).toEqual([
      TYPO,
      'pods[0].name: "Bad_1"',
      'pods[1].algorithm: "sha384"',
      "pods[2].replicas: 2 for a Pod",
      'pods[3].namespace: "n_s"',
      'pods[3].containerName: "C"',
      'pods[7].name: "n/f"',
      'pods[5].name: "e"',
      'grants[0].pod: "nobody"',
      'grants[1].pod: "shop/f"',
    ]);
  });
});

describe("a typo in another section", () => {
  const grants = [
    { pod: "web", secret: "s", key: "k" },
    { reader: "r", secret: "s" },
  ];
  const sound = {
    podDefaults: { image: "i" },
    secrets: [{ name: "s", keys: ["k"], from: "setting" }],
    secretValues: { s: { k: "text" } },
    pods: [{ name: "web" }],
    readers: [{ name: "r", initdata: "ab".repeat(32) }],
    grants,
  };

  it.each<[string, RawSettings, string]>([
    ["pods", { pods: [{ name: "web", imge: "x" }, { name: "b" }] }, 'pods[0]: the unknown setting "imge"'],
    ["secrets", { secrets: [{ name: "s", kys: ["k"] }] }, 'secrets[0]: the unknown setting "kys"'],
    ["readers", { readers: [{ name: "r", intdata: "x" }] }, 'readers[0]: the unknown setting "intdata"'],
    ["grants", { grants: [...grants, { pod: "web", secret: 5 }] }, "grants[2].secret: 5"],
    [
      "trustee",
      { trustee: { certificateSecret: "s2", nmespace: "x" } },
      'trustee: the unknown setting "nmespace"',
    ],
    [
      "referenceValues",
      { referenceValues: { entries: { snp: ["e"] }, validityDaysOf: { e: 90 }, x: 1 } },
      'referenceValues: the unknown setting "x"',
    ],
    ["secretValues of no shape", { secretValues: "text" }, "secretValues: a value that is of type string"],
    [
      "secretValues of one secret",
      { secretValues: { s: "text" } },
      "secretValues.s: a value that is of type string",
    ],
  ])("is the only problem: %s", (_, change, problem) => {
    expect(problems({ ...sound, ...change })).toEqual([problem]);
  });

  it("hides no missing value of another secret", () => {
    const two = [...sound.secrets, { name: "t", keys: ["k"], from: "setting" }];
    expect(problems({ ...sound, secrets: two, secretValues: { s: "text" } })).toEqual([
      "secretValues.t.k: nothing",
      "secretValues.s: a value that is of type string",
    ]);
  });
});
