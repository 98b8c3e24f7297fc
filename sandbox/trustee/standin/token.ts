import { type Appraisal, type Evidence, sampleClaims } from "./appraisal.ts";

/** The simulated KBSs. v0.18 also represents v0.17; v0.21 represents v0.19 and later. */
export type KbsVersion = "v0.16" | "v0.18" | "v0.21";

/** Seconds. */
const LIFETIME = 300;

/** The TEE's claims in the annotated evidence. */
function teeClaims(evidence: Evidence): Readonly<Record<string, unknown>> {
  return evidence.tee === "sample"
    ? { init_data: evidence.initData, sample: sampleClaims }
    : { init_data: evidence.pcr8, [`az-${evidence.tee}-vtpm`]: { tpm: { pcr08: evidence.pcr8 } } };
}

/** The status follows from the worst member of the trust vector. */
function status({ executables, hardware }: Appraisal): string {
  if (hardware === 97) return "contraindicated";
  return executables === 33 ? "warning" : "affirming";
}

/**
 * The claims of an attestation token, with all members of a real one. Members that no policy here reads are
 * empty.
 * @param now seconds since 1970
 */
export function tokenClaims(
  version: KbsVersion,
  evidence: Evidence,
  appraisal: Appraisal,
  now: number,
): Readonly<Record<string, unknown>> {
  const cpu0 = {
    "ear.status": status(appraisal),
    "ear.trustworthiness-vector": {
      "instance-identity": 0,
      configuration: 2,
      executables: appraisal.executables,
      "file-system": 0,
      hardware: appraisal.hardware,
      "runtime-opaque": 0,
      "storage-opaque": 0,
      "sourced-data": 0,
    },
    "ear.appraisal-policy-id": "default",
    "ear.veraison.annotated-evidence": {
      init_data_claims: {},
      report_data: "",
      runtime_data_claims: {},
      ...teeClaims(evidence),
    },
    ...(version === "v0.16" ? {} : { "ear.trustee.identifiers": { validated: {} } }),
  };
  return {
    eat_profile: "tag:github.com,2024:confidential-containers/Trustee",
    iat: now,
    "ear.verifier-id": {
      developer: "https://confidentialcontainers.org",
      build: "attestation-service 0.1.0",
    },
    submods: { cpu0 },
    exp: now + LIFETIME,
    ...(version === "v0.21" ? { iss: "CoCo-Attestation-Service" } : {}),
  };
}
