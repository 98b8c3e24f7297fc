import { digest, hex, type DigestAlgorithm } from "../digest.ts";

/**
 * How a TEE binds the initdata to its evidence, and so what Trustee's verifier reports as the claim `init_data`:
 * - `azure-vtpm`: PCR8 of the vTPM of an Azure SNP or TDX VM (peer pods), sha256 only;
 * - `snp`: HOSTDATA of a bare-metal SEV-SNP report, 32 bytes;
 * - `tdx`: MRCONFIGID of a bare-metal TDX quote, 48 bytes.
 * @see https://github.com/confidential-containers/trustee/blob/v0.21.0/kbs/docs/initdata.md (Integrity Binding for Different TEEs)
 */
export const bindings = ["azure-vtpm", "snp", "tdx"] as const;
export type Binding = (typeof bindings)[number];

/** Bytes that the TEE has for it. */
const widths: Readonly<Record<Binding, number>> = { "azure-vtpm": 32, snp: 32, tdx: 48 };

/** How many hex digits the claim has. */
export function claimLength(binding: Binding): number {
  return widths[binding] * 2;
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
 * @returns lower-case hex; 64 digits for `azure-vtpm` (this is PCR8) and `snp`, 96 for `tdx`.
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
  }
}

/**
 * Every spelling in which a verifier may report one claim. SNP's host data was base64 up to Trustee v0.17, and is hex as all
 * others from v0.18 on; the two cannot be mistaken for each other, so a policy can take both.
 * @param claim lower-case hex
 * @see https://github.com/confidential-containers/trustee/commit/d7831293
 */
export function claimSpellings(binding: Binding, claim: string): readonly string[] {
  return binding === "snp" ? [claim, Buffer.from(claim, "hex").toString("base64")] : [claim];
}
