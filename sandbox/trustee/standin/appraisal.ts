import type { Measurement } from "./measurement.ts";

/** What a TEE reports: the vTPM of a VM its PCR8, the sample TEE what every one of its kind reports. */
export type Evidence =
  Pick<Measurement, "tee" | "pcr8"> | { readonly tee: "sample"; readonly initData: string };

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

/**
 * Asks the reference values in the order in which Trustee's attestation policy does; of a vTPM, PCR8's alone.
 * @param ask a value's JSON, null where there is none
 * @throws whatever `ask` throws
 */
export function appraise(evidence: Evidence, ask: (name: string) => unknown): Appraisal {
  const fit = (demands: readonly Demand[]): boolean => demands.every(({ name, fits }) => fits(ask(name)));
  const sample = evidence.tee === "sample";
  const executables = sample
    ? { name: "launch_digest", fits: holds(launchDigest) }
    : { name: `${evidence.tee}_pcr08`, fits: holds(evidence.pcr8) };
  return {
    executables: fit([executables]) ? 3 : 33,
    hardware: !sample || fit(sampleHardware) ? 2 : 97,
  };
}
