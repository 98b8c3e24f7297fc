import { digest, hex, type DigestAlgorithm } from "../digest.ts";

/**
 * How a TEE binds the initdata to its evidence. This decides what Trustee's verifier reports as `init_data`:
 * - `azure-vtpm`: PCR8 of the vTPM of an Azure SNP or TDX VM (peer pods), sha256 only
 * - `snp`: HOSTDATA of a bare-metal SEV-SNP report, 32 bytes
 * - `tdx`: MRCONFIGID of a bare-metal TDX quote, 48 bytes
 * - `sample`: base64 of the digest as the guest reports it. No hardware attests it: for development clusters
 *   only.
 * @see https://github.com/confidential-containers/trustee/blob/v0.21.0/kbs/docs/initdata.md (Integrity
 *   Binding for Different TEEs)
 */
export const bindings = ["azure-vtpm", "snp", "tdx", "sample"] as const;
export type Binding = (typeof bindings)[number];

/** The bindings that hardware measures. */
export type HardwareBinding = Exclude<Binding, "sample">;

/**
 * TEE names in a token's annotated evidence, and how each TEE binds initdata. Up to KBS v0.15, Azure's have
 * no hyphens.
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

/**
 * Evidence that anybody can forge: that of the sample TEE, which replaces a CPU, and of the sample device.
 */
export const sampleTees = ["sample", "sampledevice"] as const;

/** The note on every reader with the binding `sample`. */
export const NO_HARDWARE = "sample: not attested by hardware";

/** The width of the TEE's field in bytes. */
const widths: Readonly<Record<HardwareBinding, number>> = { "azure-vtpm": 32, snp: 32, tdx: 48 };

/** The form of a claim, as a pattern for all of it and in words. */
export function claimForm(binding: Binding): { readonly pattern: RegExp; readonly words: string } {
  if (binding === "sample") {
    // Rejects hex of a sha256 digest, which would pass for base64 of a sha384 one and match nothing.
    const pattern = /^(?![0-9a-f]+$)(?:[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{86}==)$/;
    return { pattern, words: "base64 of a sha256, sha384 or sha512 digest" };
  }
  const digits = widths[binding] * 2;
  return { pattern: new RegExp(`^[0-9a-f]{${digits}}$`, "i"), words: `${digits} hex digits` };
}

/** A claim from the settings in the verifier's form: hex in lower case. */
export function normalizedClaim(binding: Binding, claim: string): string {
  return binding === "sample" ? claim : claim.toLowerCase();
}

/** PCR8 after a reset: 32 zero bytes. */
const PCR_ZERO = new Uint8Array(32);

/**
 * The algorithms that a binding supports. A vTPM's SHA-256 bank can only be extended with a sha256 digest.
 * @see https://github.com/confidential-containers/trustee/blob/main/deps/verifier/src/az_snp_vtpm/mod.rs
 */
export function algorithmsOf(binding: Binding): readonly DigestAlgorithm[] {
  return binding === "azure-vtpm" ? ["sha256"] : ["sha256", "sha384", "sha512"];
}

/**
 * PCR8 after one extension from zero: `sha256(32 zero bytes || digest)`, lower-case hex.
 * @param sha256Digest 32 bytes
 */
function extendPcr8(sha256Digest: Uint8Array): string {
  return hex(digest("sha256", Buffer.concat([PCR_ZERO, sha256Digest])));
}

/**
 * Cuts to `length` bytes, or pads with zeros at the end, as Trustee's verifiers do before comparing.
 * @see https://github.com/confidential-containers/trustee/blob/v0.21.0/deps/verifier/src/lib.rs
 *   (`regularize_data`)
 */
function fit(bytes: Uint8Array, length: number): Uint8Array {
  const fitted = new Uint8Array(length);
  fitted.set(bytes.subarray(0, length));
  return fitted;
}

/**
 * The claim `init_data` that Trustee's verifier reports for a guest with this initdata.
 * @param toml the exact bytes of the decompressed TOML, including any trailing newline
 * @returns lower-case hex: 64 digits for `azure-vtpm` (PCR8) and `snp`, 96 for `tdx`; base64 of the digest
 *   for `sample`
 * @throws RangeError if the binding does not support the algorithm. That is a bug: settings are checked
 *   earlier.
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
 * All spellings in which a verifier may report a claim. SNP's host data is base64 up to Trustee v0.17, and
 * hex from v0.18. A policy can accept both, since they cannot be confused.
 * @param claim from {@link initDataClaim}
 * @see https://github.com/confidential-containers/trustee/commit/d7831293
 */
export function claimSpellings(binding: Binding, claim: string): readonly string[] {
  return binding === "snp" ? [claim, Buffer.from(claim, "hex").toString("base64")] : [claim];
}
