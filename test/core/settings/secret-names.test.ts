import { describe, expect, test } from "vitest";
import { facts } from "../../fixtures/live-facts.ts";
import { settingsIssues } from "../../fixtures/settings.ts";
import { lines } from "../../cli/audit/support.ts";

const LONG = "a".repeat(64);
const names: readonly (readonly [name: string, problem: string])[] = [
  ["my.secret", "contains a dot, which volume names must not"],
  [LONG, "has 64 characters, but volume names have at most 63"],
  ...[
    ...["reference-values", "resource-policy", "kbs-config", "https-key", "auth-secret", "repository-dir"],
    ...["default", "opa", "tdx-config", "confidential-containers", "attestation-policy-gpu", "rvps-dir"],
  ].map((name) => [name, "is the name of a volume that every KBS has"] as const),
  ["My_Secret", "is not a valid volume name"],
];
const RULE =
  "lower-case letters, digits and '-', first and last a letter or digit, 63 characters at most: Trustee's operator names a volume after it";

describe("a secret's name, which must be a volume's name too", () => {
  test.each(names)("is refused in the settings, for existing and created secrets: %s", (name, problem) => {
    const secrets = [
      { name, keys: ["k"] },
      { name: `b${name}`.slice(0, 63).replaceAll(/[^a-z-]/g, ""), keys: ["k"] },
      { name: name === LONG ? `${LONG}b` : name, keys: ["k"], from: "generate" },
      { name: "x.y", keys: ["k"] },
    ];
    const found = settingsIssues({ secrets }).filter(({ allowed }) => allowed === RULE);
    expect(found.map(({ path }) => path)).toEqual(["secrets[0].name", "secrets[2].name", "secrets[3].name"]);
    expect(found[0]).toStrictEqual({
      code: "TA603",
      path: "secrets[0].name",
      given: `${JSON.stringify(name)}, which ${problem}`,
      allowed: RULE,
      fix: "Create a Secret with another name and the same keys, and declare that one.",
    });
    expect(found[1]?.fix).toBe("Rename it to follow the rule.");
  });

  test.each(names)("is reported by lint in the KbsConfig's list: %s", (name, problem) => {
    const secrets = ["trustee-image-policy", "fraud-dataset", "p2-secret", name];
    expect(lines(facts({ kbsConfig: { name: "k", secrets } }), "TA303")).toEqual([
      `error TA303 KbsConfig trustee-operator-system/k, spec.kbsSecretResources: The KbsConfig lists Secret "${name}", which ${problem}.`,
    ]);
  });

  test.each(["a", "a".repeat(63), "kbs-config-2", "7"])("is accepted: %s", (name) => {
    expect(settingsIssues({ secrets: [{ name, keys: ["k"] }] })).toEqual([]);
    const secrets = ["trustee-image-policy", "fraud-dataset", "p2-secret", name];
    expect(lines(facts({ kbsConfig: { name: "k", secrets } }), "TA303")).toEqual([]);
  });
});
