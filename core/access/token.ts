import { hardwareTees } from "../initdata/binding.ts";
import type { TableBinding } from "../policy/grants.ts";
import { own } from "../records.ts";
import { teeClaims, withoutInitData } from "./tee-claims.ts";

/** The name in a token's evidence of the first TEE with this binding. */
export function teeOf(binding: TableBinding): string {
  const [tee] = Object.entries(hardwareTees).find(([, one]) => one === binding) ?? [];
  return tee ?? (binding === "sample" ? binding : "az-snp-vtpm");
}

/** The members of a trust vector that attestation policies set. */
export interface TrustClaims {
  readonly executables: number;
  readonly hardware: number;
  readonly configuration: number;
}

const unrecognized: TrustClaims = { executables: 33, hardware: 97, configuration: 36 };

/** The usual trust vector of each status, from Trustee's own attestation policies. */
const usualTrust: Readonly<Record<string, TrustClaims>> = {
  affirming: { executables: 3, hardware: 2, configuration: 2 },
  warning: { executables: 33, hardware: 2, configuration: 2 },
  contraindicated: unrecognized,
  none: { executables: 0, hardware: 0, configuration: 0 },
};

function trustOf(status: unknown): TrustClaims {
  return (typeof status === "string" ? own(usualTrust, status) : undefined) ?? unrecognized;
}

/**
 * A submod as in a Trustee token, with every member of a real one.
 * @param tee the TEE's name in the evidence
 * @param trust @default the usual trust vector of the status
 */
export function submod(
  status: unknown,
  claim: unknown,
  tee: string,
  trust: TrustClaims = trustOf(status),
): Readonly<Record<string, unknown>> {
  return {
    "ear.status": status,
    "ear.trustworthiness-vector": {
      "instance-identity": 0,
      "file-system": 0,
      "runtime-opaque": 0,
      "storage-opaque": 0,
      "sourced-data": 0,
      ...trust,
    },
    "ear.appraisal-policy-id": "default",
    "ear.veraison.annotated-evidence": {
      ...(withoutInitData.includes(tee) ? {} : { init_data: claim, init_data_claims: {} }),
      report_data: "",
      runtime_data_claims: { nonce: "", "tee-pubkey": {} },
      [tee]: teeClaims(tee, claim),
    },
    "ear.trustee.identifiers": { validated: {} },
  };
}

/** A token's claims around its submods, the same for every pod. */
export function earToken(submods: Readonly<Record<string, unknown>>): unknown {
  return {
    eat_profile: "tag:github.com,2024:confidential-containers/Trustee",
    "ear.verifier-id": {
      developer: "https://confidentialcontainers.org",
      build: "attestation-service 0.1.0",
    },
    iss: "CoCo-Attestation-Service",
    iat: 1_795_854_938,
    exp: 1_795_855_238,
    submods,
  };
}

/** The token of an affirming pod. @param binding how its TEE binds initdata */
export function affirmingToken(initData: string, binding: TableBinding = "azure-vtpm"): unknown {
  return earToken({ cpu0: submod("affirming", initData, teeOf(binding)) });
}
