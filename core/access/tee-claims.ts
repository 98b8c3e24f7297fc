import { own } from "../records.ts";

/** An example in hex, of this many bytes, for values that only a real guest measures. */
const measured = (bytes: number): string => "a5".repeat(bytes);

const snpClaims = {
  policy_abi_major: 0,
  policy_abi_minor: 31,
  policy_smt_allowed: true,
  policy_migrate_ma: false,
  policy_debug_allowed: false,
  policy_single_socket: false,
  reported_tcb_bootloader: 4,
  reported_tcb_tee: 0,
  reported_tcb_snp: 24,
  reported_tcb_microcode: 219,
  platform_tsme_enabled: true,
  platform_smt_enabled: true,
  measurement: measured(48),
  report_data: measured(64),
} as const;

function tdxClaims(configId: unknown): Readonly<Record<string, unknown>> {
  return {
    quote: {
      header: { version: "0400", tee_type: "81000000", vendor_id: "939a7233f79c4ca9940a0db3957f0607" },
      body: {
        mr_config_id: configId,
        mr_td: measured(48),
        mr_seam: measured(48),
        rtmr_0: measured(48),
        rtmr_1: measured(48),
        rtmr_2: measured(48),
        rtmr_3: measured(48),
        td_attributes: "0000001000000000",
        xfam: "e702060000000000",
        tcb_svn: measured(16),
        report_data: measured(64),
      },
    },
    td_attributes: { debug: false, septve_disable: true },
    tcb_status: "UpToDate",
    collateral_expiration_status: "0",
    advisory_ids: [],
  };
}

function tpmClaims(pcr08: unknown): Readonly<Record<string, unknown>> {
  const others = [3, 9, 11, 12].map((at) => [`pcr${String(at).padStart(2, "0")}`, measured(32)] as const);
  return { ...Object.fromEntries(others), pcr08, init_data: pcr08 };
}

/** A TDX guest on Azure is bound by its vTPM's register; its mr_config_id belongs to the host. */
const azTdx = (claim: unknown): unknown => ({ ...tdxClaims(measured(48)), tpm: tpmClaims(claim) });
const azSnp = (claim: unknown): unknown => ({ ...snpClaims, tpm: tpmClaims(claim) });

/**
 * What each TEE's verifier reports, by its name in a token's annotated evidence. Values that only a real
 * guest measures are examples of the right type.
 * @see https://github.com/confidential-containers/trustee/blob/v0.21.0/attestation-service/docs/tcb_claims.md
 */
const claims: Readonly<Record<string, (initData: unknown) => unknown>> = {
  "az-snp-vtpm": azSnp,
  "az-tdx-vtpm": azTdx,
  azsnpvtpm: azSnp,
  aztdxvtpm: azTdx,
  snp: () => snpClaims,
  tdx: tdxClaims,
  se: () => ({
    version: 256,
    cuid: measured(16),
    tag: measured(16),
    image_phkh: measured(32),
    attestation_phkh: measured(32),
    report_data: measured(64),
  }),
  cca: (initData) => ({
    realm: { cca_realm_personalization_value: initData, cca_realm_initial_measurement: measured(32) },
    platform: { cca_platform_instance_id: measured(32) },
  }),
  csv: () => ({ version: "2", policy: { nodbg: 1, noks: 1 }, measure: measured(32), vm_id: measured(16) }),
  sample: () => ({
    debug: false,
    launch_digest: "abcde",
    platform_version: { major: 1, minor: 4 },
    svn: "1",
  }),
  nvidia: () => ({ "x-nvidia-gpu-arch-check": true, measres: "success", secboot: true, dbgstat: "disabled" }),
};

/** The report of a TEE or device. @param initData the claim `init_data` of its token */
export function teeClaims(tee: string, initData: unknown): unknown {
  return own(claims, tee)?.(initData) ?? {};
}

/** TEEs whose verifier reports no `init_data`. */
export const withoutInitData: readonly string[] = ["se", "csv", "nvidia"];
