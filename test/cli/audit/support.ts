import type { CellFacts } from "../../../cli/explain/explain.ts";
import type { LogLine } from "../../../cli/explain/log.ts";
import type { TrusteeFacts } from "../../../cli/audit/facts.ts";
import { healthyTrustee, NOW, podFixture } from "../../fixtures/live-facts.ts";

/** pod3 asks for p2-secret, which it is not granted. */
export const base: CellFacts = {
  trustee: healthyTrustee,
  podName: "default/pod3",
  pod: podFixture("pod3"),
  secret: "p2-secret",
  key: "secret",
  answers: { kind: "answers", byQuestion: new Map() },
  log: [],
};

/** A healthy Trustee with other reference values. */
export function withValues(text: string): TrusteeFacts {
  return {
    ...healthyTrustee,
    referenceValues: {
      name: "trusteeconfig-rvps-reference-values",
      changedAt: NOW - 8000,
      resourceVersion: "1",
      data: { "reference-values.json": text },
    },
  };
}

/** One KBS pod's log, a line a second. @param start seconds */
export function logOf(text: string, start = NOW - 60): readonly LogLine[] {
  return text.split("\n").map((line, index) => ({ at: (start + index) * 1000, text: line }));
}

/** A Trustee whose attestation policy this account must not read. */
export function unseen({ attestationPolicy: _, ...trustee }: TrusteeFacts): TrusteeFacts {
  return trustee;
}

/** A Trustee with an attestation policy. */
export function withAttestationPolicy(text: string, trustee: TrusteeFacts = healthyTrustee): TrusteeFacts {
  const map = { name: "trusteeconfig-attestation-policy-cpu", changedAt: NOW - 8000, resourceVersion: "102" };
  return { ...trustee, attestationPolicy: { ...map, data: { "default_cpu.rego": text } } };
}
