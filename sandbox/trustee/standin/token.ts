import type { Measurement } from "./measurement.ts";

/** The KBSs whose tokens are known: by recordings of the sample TEE, and by Trustee's source for the names of others. */
export type KbsVersion = "v0.16" | "v0.18" | "v0.21";

/** Under which name a token's evidence holds what the vTPM of a VM reports. */
const evidenceNames: Readonly<Record<Measurement["tee"], string>> = {
  snp: "az-snp-vtpm",
  tdx: "az-tdx-vtpm",
};

/** A token lives five minutes. */
const LIFETIME = 300;

/**
 * The claims of an attestation token, with every member that a real one has; what no policy here reads is empty.
 * @param affirming whether the reference values hold the measurement
 * @param now seconds since 1970
 */
export function tokenClaims(
  version: KbsVersion,
  { tee, pcr8 }: Pick<Measurement, "tee" | "pcr8">,
  affirming: boolean,
  now: number,
): Readonly<Record<string, unknown>> {
  const cpu0 = {
    "ear.status": affirming ? "affirming" : "contraindicated",
    "ear.trustworthiness-vector": {
      "instance-identity": 0,
      configuration: affirming ? 2 : 36,
      executables: 3,
      "file-system": 0,
      hardware: 2,
      "runtime-opaque": 0,
      "storage-opaque": 0,
      "sourced-data": 0,
    },
    "ear.appraisal-policy-id": "default",
    "ear.veraison.annotated-evidence": {
      init_data: pcr8,
      init_data_claims: {},
      report_data: "",
      runtime_data_claims: {},
      [evidenceNames[tee]]: { tpm: { pcr08: pcr8 } },
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
