import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Finding } from "../../../cli/lint/finding.ts";
import { junit } from "../../../cli/lint/junit.ts";
import { lintCases } from "../../../cli/lint/report.ts";
import { lint } from "../../../cli/lint/lint.ts";
import { sarif } from "../../../cli/lint/sarif.ts";
import { facts, referenceValues } from "../../fixtures/live-facts.ts";
import { withValues } from "./support.ts";
import { forAll } from "../../support/for-all.ts";

const expiring: Finding = {
  id: "TA202",
  severity: "warning",
  where: { kind: "ConfigMap", namespace: "ns", name: "values", part: "reference-values.json" },
  what: "snp_pcr08 expires in 3 days, on 2026-03-04T00:00:00Z.",
  why: "Why.",
  fix: "Fix it.",
};
const stale: Finding = {
  id: "TA101",
  severity: "warning",
  where: { kind: "ConfigMap", namespace: "ns", name: "policy", part: "policy.rego", line: 12 },
  what: `No running pod has the digest ${"a".repeat(64)}.`,
  why: "Why.",
  fix: "Fix it.",
};

interface Sarif {
  readonly runs: readonly [
    {
      readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
      readonly results: readonly {
        readonly ruleId: string;
        readonly ruleIndex: number;
        readonly partialFingerprints: Readonly<Record<string, string>>;
      }[];
    },
  ];
}

describe("SARIF", () => {
  it("has each finding with its rule and its place", () => {
    const document = sarif([stale], "1.2.3") as Sarif;
    const { rules } = document.runs[0].tool.driver;
    expect(rules.map(({ id }) => id)).toEqual([...rules.map(({ id }) => id)].sort());
    expect(rules[document.runs[0].results[0]?.ruleIndex ?? -1]?.id).toBe("TA101");
    expect(document).toMatchObject({
      $schema: "https://json.schemastore.org/sarif-2.1.0.json",
      version: "2.1.0",
      runs: [
        {
          tool: { driver: { name: "trustee-access", version: "1.2.3" } },
          results: [
            {
              ruleId: "TA101",
              level: "warning",
              message: { text: `No running pod has the digest ${"a".repeat(64)}. Why. To fix: Fix it.` },
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: "ns/ConfigMap/policy/policy.rego" },
                    region: { startLine: 12 },
                  },
                  logicalLocations: [
                    { fullyQualifiedName: "ConfigMap ns/policy, policy.rego line 12", kind: "resource" },
                  ],
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it("has the same fingerprint for a finding if lines move or days pass, and another one for another digest", () => {
    const print = (finding: Finding): unknown =>
      (sarif([finding], "") as Sarif).runs[0].results[0]?.partialFingerprints;
    expect(print({ ...stale, where: { ...stale.where, line: 99 } })).toEqual(print(stale));
    expect(print({ ...expiring, what: "snp_pcr08 expires in 2 days, on 2026-03-04T00:00:00Z." })).toEqual(
      print(expiring),
    );
    expect(print({ ...stale, what: `No running pod has the digest ${"b".repeat(64)}.` })).not.toEqual(
      print(stale),
    );
  });
});

/** What SARIF 2.1.0 requires, and what code scanning reads. @see its schema, sarif-schema-2.1.0.json */
const text = z.strictObject({ text: z.string().min(1) });
const sarifSchema = z.strictObject({
  $schema: z.literal("https://json.schemastore.org/sarif-2.1.0.json"),
  version: z.literal("2.1.0"),
  runs: z.tuple([
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string().min(1),
          version: z.string(),
          rules: z.array(z.strictObject({ id: z.string().min(1), shortDescription: text })).min(1),
        }),
      }),
      results: z.array(
        z.strictObject({
          ruleId: z.string(),
          ruleIndex: z.int().min(0),
          level: z.enum(["none", "note", "warning", "error"]),
          message: text,
          locations: z
            .array(
              z.strictObject({
                physicalLocation: z.strictObject({
                  artifactLocation: z.strictObject({ uri: z.string().regex(/^[\w.~%/-]+$/) }),
                  region: z.strictObject({ startLine: z.int().min(1) }),
                }),
                logicalLocations: z.array(
                  z.strictObject({ fullyQualifiedName: z.string().min(1), kind: z.string() }),
                ),
              }),
            )
            .min(1),
          partialFingerprints: z.strictObject({ "trusteeAccess/v1": z.string().regex(/^[0-9a-f]{64}$/) }),
        }),
      ),
    }),
  ]),
});

describe("SARIF of a whole lint", () => {
  const expiring = (names: readonly string[]): readonly Finding[] => {
    const values = referenceValues([
      ...names.map((name) => [name, "2026-03-10T00:00:00Z", ["a".repeat(64)]] as const),
      ["snp_pcr03", "2026-01-01T00:00:00Z", []],
      ["tdx_pcr03", "2026-01-01T00:00:00Z", []],
      ["snp_pcr09", "soon", []],
      ["tdx_pcr09", "soon", []],
    ]);
    return lint(facts(withValues(values)));
  };
  const prints = (findings: readonly Finding[]): readonly string[] =>
    sarifSchema
      .parse(sarif(findings, "1.2.3"))
      .runs[0].results.map(({ partialFingerprints }) => partialFingerprints["trusteeAccess/v1"]);

  it("follows the format's schema, and each finding has its own fingerprint", () => {
    const findings = expiring(["snp_pcr08", "tdx_pcr08", "tdx_pcr08"]);
    const count = (id: string): number => findings.filter((finding) => finding.id === id).length;
    expect(["TA201", "TA202", "TA203"].map(count)).toEqual([2, 3, 2]);
    expect(new Set(prints(findings)).size).toBe(findings.length);
  });

  it("has the same fingerprint for an expiring entry, whatever other entries expire", () => {
    const of = (names: readonly string[]): string | undefined => {
      const findings = expiring(names);
      return prints(findings)[findings.findIndex(({ what }) => what.startsWith("tdx_pcr08 expires"))];
    };
    expect(of(["tdx_pcr08"])).toBe(of(["snp_pcr08", "tdx_pcr08"]));
    expect(of(["tdx_pcr08"])).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("JUnit", () => {
  it("has one test case per entry, with the reason of each failure", () => {
    expect(
      junit("a suite", [
        { group: "g", name: "well", time: 1.5 },
        { group: "g", name: "said", output: "a < b\n&c" },
        { group: "g", name: 'not "well"', failure: { message: "short", text: "long\n<text>" } },
      ]),
    ).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="a suite" tests="3" failures="1">
  <testsuite name="a suite" tests="3" failures="1">
    <testcase classname="g" name="well" time="1.500"/>
    <testcase classname="g" name="said">
      <system-out>a &lt; b
&amp;c</system-out>
    </testcase>
    <testcase classname="g" name="not &quot;well&quot;">
      <failure message="short">long
&lt;text&gt;</failure>
    </testcase>
  </testsuite>
</testsuites>
`);
  });

  it("is valid XML with any texts, which can be read back", () => {
    const entities: Readonly<Record<string, string>> = {
      "&amp;": "&",
      "&lt;": "<",
      "&gt;": ">",
      "&quot;": '"',
      "&#10;": "\n",
    };
    const texts = fc
      .string({ unit: "binary" })
      .filter((text) => !/[^\t\n\u0020-\uD7FF\uE000-\uFFFD]/.test(text));
    forAll(texts, (name) => {
      const [, written = ""] = / name="([^"]*)"\/>/.exec(junit("s", [{ group: "g", name }])) ?? [];
      expect(written).not.toMatch(/[<>\n]/);
      expect(written.replaceAll(/&[a-z#0-9]+;/g, (entity) => entities[entity] ?? "?")).toBe(name);
    });
  });

  it("contains no character that XML forbids", () => {
    forAll(fc.string({ unit: "binary" }), (name) => {
      const xml = junit("s", [{ group: "g", name, output: name }]);
      expect(xml.isWellFormed()).toBe(true);
      expect(xml).not.toMatch(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u);
    });
  });

  it("of lint has a test case per rule, which fails at or above the given severity", () => {
    const failed = (failOn: "error" | "warning" | "note"): readonly string[] =>
      lintCases([expiring, stale], failOn)
        .filter(({ failure }) => failure !== undefined)
        .map(({ name }) => name);
    expect(failed("error")).toEqual([]);
    expect(failed("warning")).toEqual([
      "TA101 The policy names a digest that no running pod has",
      "TA202 A reference value expires soon",
    ]);
    expect(lintCases([expiring], "error").filter(({ output }) => output !== undefined)).toEqual([
      {
        group: "lint",
        name: "TA202 A reference value expires soon",
        output: `warning TA202  ConfigMap ns/values, reference-values.json
  snp_pcr08 expires in 3 days, on 2026-03-04T00:00:00Z.
  why: Why.
  fix: Fix it.
`,
      },
    ]);
  });
});
