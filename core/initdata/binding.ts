import { digest, hex, type DigestAlgorithm } from "../digest.ts";

/**
 * How a TEE binds the initdata to its evidence, and so what Trustee's verifier reports as the claim `init_data`:
 * - `azure-vtpm`: PCR8 of the vTPM of an Azure SNP or TDX VM (peer pods), sha256 only;
 * - `snp`: HOSTDATA of a bare-metal SEV-SNP report, 32 bytes;
 * - `tdx`: MRCONFIGID of a bare-metal TDX quote, 48 bytes;
 * - `sample`: base64 of the digest, as the guest says it: no hardware attests it, so it is for development clusters alone.
 * @see https://github.com/confidential-containers/trustee/blob/v0.21.0/kbs/docs/initdata.md (Integrity Binding for Different TEEs)
 */
export const bindings = ["azure-vtpm", "snp", "tdx", "sample"] as const;
export type Binding = (typeof bindings)[number];

/** Those that hardware measures. */
export type HardwareBinding = Exclude<Binding, "sample">;

/**
 * The TEEs, by the names under which a token's annotated evidence holds what each reports, and how each binds the initdata. Up to
 * KBS v0.15 those of Azure are spelled without hyphens.
 * @see https://github.com/confidential-containers/trustee/blob/v0.21.0/attestation-service/docs/tcb_claims.md
 */
export const hardwareTees: Readonly<Record<string, HardwareBinding>> = {
  "az-snp-vtpm": "azure-vtpm",
  "az-tdx-vtpm": "azure-vtpm",
  azsnpvtpm: "azure-vtpm",
  aztdxvtpm: "azure-vtpm",
  snp: "snp",
  tdx: "tdx",
};

/** The names of evidence that anybody can make up: of the sample TEE, which stands for a CPU, and of the sample device. */
export const sampleTees = ["sample", "sampledevice"] as const;

/** What has to be said of every reader with the binding `sample`. */
export const NO_HARDWARE = "sample: not attested by hardware";

/** Bytes that the TEE has for it. */
const widths: Readonly<Record<HardwareBinding, number>> = { "azure-vtpm": 32, snp: 32, tdx: 48 };

/** What a claim looks like: an expression that it matches as a whole, and the same in words. */
export function claimForm(binding: Binding): { readonly pattern: RegExp; readonly words: string } {
  if (binding === "sample") {
    // Hex of a sha256 digest would pass for base64 of a sha384 one, and match nothing.
    const pattern = /^(?![0-9a-f]+$)(?:[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{86}==)$/;
    return { pattern, words: "base64 of a sha256, sha384 or sha512 digest" };
  }
  const digits = widths[binding] * 2;
  return { pattern: new RegExp(`^[0-9a-f]{${digits}}$`, "i"), words: `${digits} hex digits` };
}

/** A claim that somebody has written, as a verifier reports it: hex in lower case. */
export function normalizedClaim(binding: Binding, claim: string): string {
  return binding === "sample" ? claim : claim.toLowerCase();
}

/** PCR8's value after a reset: 32 zero bytes. */
const PCR_ZERO = new Uint8Array(32);

/**
 * The algorithms that a binding can carry. A vTPM's SHA-256 bank can only be extended by a sha256 digest.
 * @see https://github.com/confidential-containers/trustee/blob/main/deps/verifier/src/az_snp_vtpm/mod.rs
 */
export function algorithmsOf(binding: Binding): readonly DigestAlgorithm[] {
  return binding === "azure-vtpm" ? ["sha256"] : ["sha256", "sha384", "sha512"];
}

/**
 * PCR8 after it was extended once, from zero, by a sha256 digest: `sha256(32 zero bytes || digest)`, lower-case hex.
 * @param sha256Digest 32 bytes
 */
export function extendPcr8(sha256Digest: Uint8Array): string {
  return hex(digest("sha256", Buffer.concat([PCR_ZERO, sha256Digest])));
}

/**
 * Cuts, or pads with zero bytes at the end, to `length` bytes: what Trustee's verifiers do before they compare.
 * @see https://github.com/confidential-containers/trustee/blob/v0.21.0/deps/verifier/src/lib.rs (`regularize_data`)
 */
function fit(bytes: Uint8Array, length: number): Uint8Array {
  const fitted = new Uint8Array(length);
  fitted.set(bytes.subarray(0, length));
  return fitted;
}

/**
 * The claim `init_data` that Trustee's verifier reports for a guest that was started with this initdata.
 * @param toml the exact bytes of the decompressed TOML: a trailing newline counts, the gzip around it does not.
 * @returns lower-case hex; 64 digits for `azure-vtpm` (this is PCR8) and `snp`, 96 for `tdx`. For `sample` base64 of the digest.
 * @throws RangeError if the binding cannot carry the algorithm; settings are checked before, so this is a bug.
 */
export function initDataClaim(
  binding: Binding,
  algorithm: DigestAlgorithm,
  toml: Uint8Array | string,
): string {
  if (!algorithmsOf(binding).includes(algorithm)) throw new RangeError(`${binding} cannot bind ${algorithm}`);
  const bytes = digest(algorithm, toml);
  switch (binding) {
    case "azure-vtpm":
      return extendPcr8(bytes);
    case "snp":
    case "tdx":
      return hex(fit(bytes, widths[binding]));
    case "sample":
      return Buffer.from(bytes).toString("base64");
  }
}

/**
 * Every spelling in which a verifier may report one claim. SNP's host data was base64 up to Trustee v0.17, and is hex as all
 * others from v0.18 on; the two cannot be mistaken for each other, so a policy can take both.
 * @param claim as {@link initDataClaim} has it
 * @see https://github.com/confidential-containers/trustee/commit/d7831293
 */
export function claimSpellings(binding: Binding, claim: string): readonly string[] {
  return binding === "snp" ? [claim, Buffer.from(claim, "hex").toString("base64")] : [claim];
}
