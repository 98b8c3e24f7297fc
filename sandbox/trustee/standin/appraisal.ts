import { createHash } from "node:crypto";
import type { Measurement } from "./measurement.ts";

type Measured = Pick<Measurement, "tee" | "pcr8">;

/** What a TEE reports. A vTPM reports its PCR8. The sample TEE reports `init_data`, and claims that never change. */
export type Evidence = Measured | { readonly tee: "sample"; readonly initData: string };

/** The members of the trust vector that the attestation policy sets. */
export interface Appraisal {
  readonly executables: 3 | 33;
  readonly hardware: 2 | 97;
}

/** A reference value that the attestation policy asks for, and whether it fits the evidence. */
interface Demand {
  readonly name: string;
  readonly fits: (reference: unknown) => boolean;
}

/** The sample TEE's claims, as a KBS's sample verifier makes them. */
export const sampleClaims = {
  debug: false,
  launch_digest: "abcde",
  platform_version: { major: 1, minor: 4 },
  svn: "1",
} as const;

function holds(digest: string): Demand["fits"] {
  return (reference) => Array.isArray(reference) && reference.includes(digest);
}

const { launch_digest: launchDigest, svn, platform_version: platform } = sampleClaims;

const sampleHardware: readonly Demand[] = [
  { name: "svn", fits: holds(svn) },
  { name: "major_version", fits: (reference) => reference === platform.major },
  {
    name: "minimum_minor_version",
    fits: (reference) => typeof reference === "number" && platform.minor >= reference,
  },
];

/** The value of a PCR that depends only on the image. All guests of the sandbox start from one image. */
function imagePcr(pcr: string): string {
  return createHash("sha256").update(`pcr${pcr} of the sandbox's image`).digest("hex");
}

/** The PCRs of a vTPM that the attestation policy compares, one on each line as in the stock policies. */
function pcrDemands({ tee, pcr8 }: Measured, policy: string): readonly Demand[] {
  const line = /^[^#\n]*input\["az-(snp|tdx)-vtpm"\]\.tpm\.pcr(\d\d) in query_reference_value\("([^"]+)"\)/gm;
  return [...policy.matchAll(line)].flatMap(([, of, pcr = "", name = ""]) =>
    of === tee ? [{ name, fits: holds(pcr === "08" ? pcr8 : imagePcr(pcr)) }] : [],
  );
}

/** Whether the policy has conditions for this TEE other than its presence and its PCRs. They are not evaluated. */
function hasMoreConditions({ tee }: Measured, policy: string): boolean {
  const conditions = /^[^#\n]*?input(?:\.|\[")az-(snp|tdx)-vtpm(?:"\])?(.*)$/gm;
  const known = /^(?:\.tpm\.pcr\d\d in query_reference_value\("[^"]+"\))?[\s}]*(?:#.*)?$/;
  return [...policy.matchAll(conditions)].some(([, of, rest = ""]) => of === tee && !known.test(rest));
}

/**
 * Appraises evidence, and asks for the reference values in the same order as Trustee's attestation policy.
 * - Of a vTPM, only the PCRs are compared.
 * - A policy that compares no PCR of the TEE does not recognize its executables. A policy with another name for
 *   the TEE is such a policy.
 * - A policy with other conditions for the TEE does not recognize its hardware, and so never affirms it.
 * @param policy the attestation policy's text
 * @param ask returns the JSON of a reference value, or null if there is none
 * @throws whatever `ask` throws
 */
export function appraise(evidence: Evidence, policy: string, ask: (name: string) => unknown): Appraisal {
  const fit = (demands: readonly Demand[]): boolean => demands.every(({ name, fits }) => fits(ask(name)));
  if (evidence.tee === "sample") {
    const isKnown = fit([{ name: "launch_digest", fits: holds(launchDigest) }]);
    return { executables: isKnown ? 3 : 33, hardware: fit(sampleHardware) ? 2 : 97 };
  }
  const demands = pcrDemands(evidence, policy);
  return {
    executables: demands.length > 0 && fit(demands) ? 3 : 33,
    hardware: hasMoreConditions(evidence, policy) ? 97 : 2,
  };
}
