import { createHash } from "node:crypto";

/** The digests that an initdata document may name as `algorithm`. */
export const digestAlgorithms = ["sha256", "sha384", "sha512"] as const;
export type DigestAlgorithm = (typeof digestAlgorithms)[number];

/** The raw digest of `bytes`; a string is encoded as UTF-8. */
export function digest(algorithm: DigestAlgorithm, bytes: Uint8Array | string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash(algorithm).update(bytes).digest());
}

/** Lower-case hex, as Trustee writes digests in its claims. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** sha256 of a text in lower-case hex, for content hashes. */
export function sha256Hex(text: string): string {
  return hex(digest("sha256", text));
}
