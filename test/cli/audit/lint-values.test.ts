import { describe, expect, it } from "vitest";
import { facts, pcr8, referenceValues } from "../../fixtures/live-facts.ts";
import { IMAGE_POLICY, LATER, lines, VALUES, withValues } from "./support.ts";

const MAP = `${VALUES}, reference-values.json`;

describe("reference values", () => {
  it("that have expired, expire within 30 days or have an unreadable expiration are reported", () => {
    const values = referenceValues([
      ["snp_pcr03", "2026-03-01T00:00:00Z", ["b".repeat(64)]],
      ["snp_pcr08", "2026-03-31T00:00:00Z", [pcr8.pod1, pcr8.pod2, pcr8.pod3]],
      ["snp_pcr09", "2026-03-31T00:00:01Z", []],
      ["snp_pcr11", "tomorrow", []],
    ]);
    expect(lines(facts(withValues(values)))).toEqual([
      `error TA203 ${MAP}: The expiration of snp_pcr11 is "tomorrow", which the RVPS cannot read as a time.`,
      `warning TA201 ${MAP}: snp_pcr03 expired on 2026-03-01T00:00:00Z.`,
      IMAGE_POLICY,
      `note TA202 ${MAP}: snp_pcr08 expires in 30 days, on 2026-03-31T00:00:00Z.`,
    ]);
  });

  const listed = (...entries: readonly object[]): readonly string[] => {
    const text = JSON.stringify(entries.map((entry) => ({ expiration: LATER, ...entry })));
    return lines(facts(withValues(text)));
  };
  const ours = { name: "snp_pcr08", value: [pcr8.pod1, pcr8.pod2, pcr8.pod3] };

  it.each([true, 1, null, { a: [1] }, "a kernel's parameters", []])(
    "that are not for digests may have the value %j",
    (value) => {
      expect(listed(ours, { name: "tdvfkernelparams", value })).toEqual([IMAGE_POLICY]);
    },
  );

  it.each(["b".repeat(64), 1, true])("for digests must not have the value %j", (value) => {
    const what = typeof value === "string" ? "a lone text" : "no list";
    expect(listed(ours, { name: "snp_pcr11", value })).toEqual([
      `warning TA204 ${MAP}: snp_pcr11 has ${what} as its value.`,
      IMAGE_POLICY,
    ]);
  });

  it("of one name: all but the first are reported", () => {
    expect(listed(ours, { name: "svn", value: 1 }, { name: "svn", value: 2 })).toEqual([
      `warning TA204 ${MAP}: svn occurs twice, and only the first counts.`,
      IMAGE_POLICY,
    ]);
  });

  it.each([
    ["are blank", "\n", "there is no text."],
    [
      "have the other generation's format",
      "{}",
      'it holds an object, as the other generation of Trustee does. Trustee reads a JSON list of {"name", "expiration", "value"} there.',
    ],
  ])("that %s are errors", (_, text, why) => {
    const what = `The reference values under the key "reference-values.json" cannot be read: ${why}`;
    expect(lines(facts(withValues(text)))).toEqual([`error TA203 ${MAP}: ${what}`, IMAGE_POLICY]);
  });
});
