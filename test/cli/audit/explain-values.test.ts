import { describe, expect, it } from "vitest";
import { explain } from "../../../cli/explain/explain.ts";
import { explanationText } from "../../../cli/explain/explanation.ts";
import type { TrusteeFacts } from "../../../cli/audit/facts.ts";
import {
  healthyTrustee,
  pcr8,
  podFixture,
  referenceValues,
  tutorialGrants,
} from "../../fixtures/live-facts.ts";
import { encode } from "../../core/reference-values/support/world.ts";
import { base, explained, LATER, unseen, withPolicy, withValues } from "./support.ts";

const pod = podFixture("pod2");
const ALLOWED = [
  "allowed: Because the pod attests well, and the policy grants the secret to this digest (pod2).",
];
const ENTRY = `{"name":"snp_pcr08","expiration":"2020-01-01T00:00:00Z","value":["${pcr8.pod2}"],"p":1}`;

/** A healthy Trustee 0.21, which reads the map. */
function withMap(map: Readonly<Record<string, string>>): TrusteeFacts {
  const { referenceValues: values } = healthyTrustee;
  if (values === undefined) throw new Error("there are no reference values");
  return {
    ...withPolicy(tutorialGrants, "resource-policy.rego"),
    seen: { referenceValuesKey: "reference_value" },
    referenceValues: { ...values, data: { reference_value: JSON.stringify(map) } },
  };
}

describe("a cell is denied if Trustee does not find the digest", () => {
  const SO = "Trustee does not find it, so the pod does not attest well.";
  const correct = "Correct snp_pcr08. pulumi up does this if the pod's stack writes the entry.";

  it.each<[string, string, string, string]>([
    [
      "in a lone text instead of a list",
      JSON.stringify([{ name: "snp_pcr08", expiration: LATER, value: pcr8.pod2 }]),
      `snp_pcr08 holds this digest, but has a lone text as its value: ${SO}`,
      correct,
    ],
    [
      "in a second entry of the same name",
      referenceValues([
        ["snp_pcr08", "2020-01-01T00:00:00Z", [pcr8.pod1]],
        ["snp_pcr08", LATER, [pcr8.pod2]],
      ]),
      `snp_pcr08 holds this digest, but occurs twice, and only the first counts: ${SO}`,
      correct,
    ],
    [
      "in a list where another entry has no time as its expiration",
      referenceValues([
        ["snp_pcr08", LATER, [pcr8.pod2]],
        ["other", "soon", []],
      ]),
      'no reference value can be read, since other has the expiration "soon", which the RVPS cannot read.',
      "Correct the ConfigMap with the reference values.",
    ],
  ])("%s", (_, values, because, next) => {
    expect(explained({ pod, trustee: withValues(values) })).toEqual([
      `denied: Because ${because}`,
      "reference fails",
      next,
    ]);
  });
});

describe("a cell", () => {
  it.each<[string, string]>([
    ["is not base64url", "!!"],
    ["is not base64url with padding", Buffer.from(ENTRY).toString("base64url")],
    ['has no "expiration"', encode(ENTRY.replace(/"expiration":"[^"]*",/, ""))],
  ])("is uncertain if another reference value of the TEE %s", (flaw, literal) => {
    const map = { snp_pcr08: encode(ENTRY), snp_pcr11: literal, tdx_pcr11: literal };
    expect(explained({ pod, trustee: unseen(withMap(map)) })).toEqual([
      `uncertain: Nothing is known to deny it, but snp_pcr11 ${flaw}, so Trustee cannot read it: a pod that needs it does not attest.`,
      "measurements unknown",
      "Correct snp_pcr11.",
    ]);
  });

  it("is allowed if the reference value of another TEE cannot be read", () => {
    const map = { snp_pcr08: encode(ENTRY), tdx_pcr11: "!!" };
    expect(explained({ pod, trustee: withMap(map) })).toEqual(ALLOWED);
  });

  it.each([true, 1, null, { a: 1 }, "text"])("is allowed if another entry has the value %j", (value) => {
    const other = { name: "snp_smt_enabled", expiration: "2030-01-01T00:00:00Z", value };
    const trustee = withValues(JSON.stringify([other, JSON.parse(ENTRY)]));
    expect(explained({ pod, trustee })).toEqual(ALLOWED);
  });

  it("is allowed by an expired reference value, which Trustee accepts", () => {
    const trustee = withValues(referenceValues([["snp_pcr08", "2026-01-01T00:00:00Z", [pcr8.pod2]]]));
    expect(explained({ pod, trustee })).toEqual(ALLOWED);
    expect(explanationText(explain({ ...base, pod, trustee }))).toContain(
      "snp_pcr08 holds this digest; snp_pcr08 expired on 2026-01-01T00:00:00Z, which Trustee ignores\n",
    );
  });
});
