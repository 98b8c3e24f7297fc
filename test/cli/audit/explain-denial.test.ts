import { describe, expect, it } from "vitest";
import { attestationProblem } from "../../../cli/explain/denial.ts";
import { healthyTrustee, pcr8, podFixture, referenceValues } from "../../fixtures/live-facts.ts";
import { withOldKbs, withValues } from "./support.ts";

describe("a denial", () => {
  const problem = (changes: Partial<Parameters<typeof attestationProblem>[0]>): unknown =>
    attestationProblem({
      trustee: healthyTrustee,
      pod: podFixture("pod3"),
      secret: "p2-secret",
      key: "secret",
      answers: { kind: "none", reason: "" },
      byPolicy: true,
      ...changes,
    });

  it("is the policy's if the pod's digest is registered and not granted", () => {
    expect(problem({})).toBeUndefined();
  });

  it("is a failed attestation if no reference value holds the digest, expired or not", () => {
    const none = withValues({ snp_pcr08: [pcr8.pod1] });
    const expired = withValues(referenceValues([["snp_pcr08", "2026-01-01T00:00:00Z", [pcr8.pod3]]]));
    // Trustee ignores expirations.
    expect([none, expired].map((trustee) => problem({ trustee }))).toEqual([
      `PCR8 ${pcr8.pod3}: no reference value holds this digest, so the pod does not attest well`,
      undefined,
    ]);
    expect(problem({ pod: podFixture("pod3", { annotation: "%" }) })).toContain(
      "the pod's initdata cannot be read",
    );
  });

  it("is a failed attestation if the policy grants the secret and the KBS has surely read it", () => {
    const pod = podFixture("pod2");
    expect(problem({ pod })).toBe(
      `PCR8 ${pcr8.pod2}: the policy grants the secret to this digest (pod2), but the KBS denies it, so the pod does not attest well`,
    );
    expect(problem({ pod, trustee: withOldKbs() })).toBeUndefined();
    // Without the log's word for it, the secret may just not be there.
    expect(problem({ pod, byPolicy: false })).toBeUndefined();
  });
});
