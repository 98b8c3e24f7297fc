/**
 * The fixed volumes of the KBS's pod with operators v0.18 to v0.21. They add one volume per listed Secret,
 * with its name (`internal/controller/volumes.go`).
 */
const fixedVolumes: ReadonlySet<string> = new Set([
  ...[
    "kbs-config",
    "base-storage-dir",
    "attestation-policy-dir",
    "attestation-policy",
    "attestation-policy-gpu",
  ],
  ...["resource-policy-dir", "resource-policy", "auth-secret", "https-key", "https-cert", "repository-dir"],
  ...["rvps-dir", "rvps-config", "reference-values", "as-config", "attestation-key", "attestation-cert"],
  ...["confidential-containers", "default", "opa", "tdx-config"],
]);

/** The allowed names of a listed Secret, in words. */
export const VOLUME_NAMES =
  "lower-case letters, digits and '-', first and last a letter or digit, 63 characters at most: Trustee's operator names a volume after it";

/** Why the operator cannot name a volume after a Secret, as the end of a sentence; `undefined` if it can. */
export function volumeProblem(name: string): string | undefined {
  if (fixedVolumes.has(name)) return "is the name of a volume that every KBS has";
  if (name.includes(".")) return "contains a dot, which volume names must not";
  if (name.length > 63) return `has ${name.length} characters, but volume names have at most 63`;
  return /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) ? undefined : "is not a valid volume name";
}
