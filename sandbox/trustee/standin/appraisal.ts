import { createHash } from "node:crypto";
import type { Measurement } from "./measurement.ts";

type Measured = Pick<Measurement, "tee" | "pcr8">;

/** What a TEE reports: the vTPM of a VM its PCR8, the sample TEE what every one of its kind reports. */
export type Evidence = Measured | { readonly tee: "sample"; readonly initData: string };

/** What the attestation policy makes of the evidence, by the members of the trust vector that it decides. */
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

/** PCRs that every guest of the sandbox measures, since they all start from one image. */
function imagePcr(pcr: string): string {
  return createHash("sha256").update(`pcr${pcr} of the sandbox's image`).digest("hex");
}

/** Which PCRs of a vTPM the attestation policy compares, as stock ones write it: one line for each. */
function pcrDemands({ tee, pcr8 }: Measured, policy: string): readonly Demand[] {
  const line = /^[^#\n]*input\["az-(snp|tdx)-vtpm"\]\.tpm\.pcr(\d\d) in query_reference_value\("([^"]+)"\)/gm;
  return [...policy.matchAll(line)].flatMap(([, of, pcr = "", name = ""]) =>
    of === tee ? [{ name, fits: holds(pcr === "08" ? pcr8 : imagePcr(pcr)) }] : [],
  );
}

/** Whether the policy says more of this TEE than that it is there and which PCRs it has: that is not evaluated here. */
function hasMoreConditions({ tee }: Measured, policy: string): boolean {
  const conditions = /^[^#\n]*?input(?:\.|\[")az-(snp|tdx)-vtpm(?:"\])?(.*)$/gm;
  const known = /^(?:\.tpm\.pcr\d\d in query_reference_value\("[^"]+"\))?[\s}]*(?:#.*)?$/;
  return [...policy.matchAll(conditions)].some(([, of, rest = ""]) => of === tee && !known.test(rest));
}

/**
 * Asks the reference values in the order in which Trustee's attestation policy does; of a vTPM, those of its PCRs alone. One that
 * compares none recognizes nothing, as those that call the TEE otherwise. One with other conditions for it never affirms it: its
 * hardware is not recognized.
 * @param policy the attestation policy's text
 * @param ask a value's JSON, null where there is none
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
