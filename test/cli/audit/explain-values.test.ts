import { describe, expect, it } from "vitest";
import { explain, type CellFacts } from "../../../cli/explain/explain.ts";
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
import { base, withValues, unseen } from "./support.ts";

function verdict(changes: Partial<CellFacts>): unknown {
  const { verdict: said, because, conditions, next } = explain({ ...base, ...changes });
  const amiss = conditions.filter(({ status }) => status !== "holds");
  return { said, because, amiss: amiss.map(({ id, status }) => `${id} ${status}`), next };
}

const ENTRY = `{"name":"snp_pcr08","expiration":"2020-01-01T00:00:00Z","value":["${pcr8.pod2}"],"p":1}`;

/** A healthy Trustee 0.21, which reads the map. */
function withMap(map: Readonly<Record<string, string>>): TrusteeFacts {
  const { policy, referenceValues: values } = healthyTrustee;
  if (policy === undefined || values === undefined) throw new Error("there is none");
  return {
    ...healthyTrustee,
    seen: { referenceValuesKey: "reference_value" },
    policy: { ...policy, data: { "resource-policy.rego": tutorialGrants } },
    referenceValues: { ...values, data: { reference_value: JSON.stringify(map) } },
  };
}

describe("a cell is denied where Trustee does not find the digest", () => {
  it.each<[string, Partial<CellFacts>, unknown]>([
    [
      "a lone text for a list",
      {
        pod: podFixture("pod2"),
        trustee: withValues(
          JSON.stringify([{ name: "snp_pcr08", expiration: "2035-01-01T00:00:00Z", value: pcr8.pod2 }]),
        ),
      },
      {
        said: "denied",
        because:
          "Because snp_pcr08 holds this digest, but has a lone text as its value: Trustee does not find it, so the pod does not attest well.",
        amiss: ["reference fails"],
        next: ["Correct snp_pcr08. pulumi up does this if the pod's stack writes the entry."],
      },
    ],
    [
      "a second entry of the name, and only the first counts",
      {
        pod: podFixture("pod2"),
        trustee: withValues(
          referenceValues([
            ["snp_pcr08", "2020-01-01T00:00:00Z", [pcr8.pod1]],
            ["snp_pcr08", "2035-01-01T00:00:00Z", [pcr8.pod2]],
          ]),
        ),
      },
      {
        said: "denied",
        because:
          "Because snp_pcr08 holds this digest, but occurs twice, and only the first counts: Trustee does not find it, so the pod does not attest well.",
        amiss: ["reference fails"],
        next: ["Correct snp_pcr08. pulumi up does this if the pod's stack writes the entry."],
      },
    ],
    [
      "another entry of the list without a time for its expiration",
      {
        pod: podFixture("pod2"),
        trustee: withValues(
          referenceValues([
            ["snp_pcr08", "2035-01-01T00:00:00Z", [pcr8.pod2]],
            ["other", "soon", []],
          ]),
        ),
      },
      {
        said: "denied",
        because:
          'Because no reference value can be read, since other has the expiration "soon", which the RVPS cannot read.',
        amiss: ["reference fails"],
        next: ["Correct the ConfigMap with the reference values."],
      },
    ],
  ])("%s", (_, changes, expected) => {
    expect(verdict(changes)).toEqual(expected);
  });
});

describe("a cell", () => {
  it.each<[string, string]>([
    ["is not base64url", "!!"],
    ["is not base64url with padding", Buffer.from(ENTRY).toString("base64url")],
    ['has no "expiration"', encode(ENTRY.replace(/"expiration":"[^"]*",/, ""))],
  ])("is one whose TEE has another reference value that %s", (flaw, literal) => {
    const map = { snp_pcr08: encode(ENTRY), snp_pcr11: literal, tdx_pcr11: literal };
    expect(verdict({ pod: podFixture("pod2"), trustee: unseen(withMap(map)) })).toMatchObject({
      said: "uncertain",
      because: `Nothing is known to deny it, but snp_pcr11 ${flaw}, so Trustee cannot read it: a pod that needs it does not attest.`,
      amiss: ["measurements unknown"],
      next: ["Correct snp_pcr11."],
    });
  });

  it("is none because the reference value of another TEE cannot be read", () => {
    const map = { snp_pcr08: encode(ENTRY), tdx_pcr11: "!!" };
    expect(verdict({ pod: podFixture("pod2"), trustee: withMap(map) })).toMatchObject({ said: "allowed" });
  });

  it("is none because of values that are no lists", () => {
    const values = (value: unknown): object => ({
      name: "snp_smt_enabled",
      expiration: "2030-01-01T00:00:00Z",
      value,
    });
    const ours = JSON.parse(ENTRY) as object;
    for (const value of [true, 1, null, { a: 1 }, "text"]) {
      const trustee = withValues(JSON.stringify([values(value), ours]));
      expect(verdict({ pod: podFixture("pod2"), trustee })).toMatchObject({ said: "allowed" });
    }
  });

  it("is none because a reference value has expired: Trustee does not look at that", () => {
    const trustee = withValues(referenceValues([["snp_pcr08", "2026-01-01T00:00:00Z", [pcr8.pod2]]]));
    expect(verdict({ pod: podFixture("pod2"), trustee })).toMatchObject({ said: "allowed" });
    expect(explanationText(explain({ ...base, pod: podFixture("pod2"), trustee }))).toContain(
      "snp_pcr08 holds this digest; snp_pcr08 expired on 2026-01-01T00:00:00Z, which Trustee ignores\n",
    );
  });
});
