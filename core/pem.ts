import type { Issues } from "./issues.ts";

/** The value of `trustee.certificateAuthority` for a KBS certificate from a CA that every guest knows. */
export const PUBLIC = "public";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----(?:\r?\n)?/g;

/** The certificates in a PEM text, without the text around them. */
export function certificateBlocks(text: string): readonly string[] {
  return text.match(CERTIFICATE) ?? [];
}

/** The names of the other PEM blocks in a text, without duplicates: `PRIVATE KEY`. */
export function otherBlocks(text: string): readonly string[] {
  const rest = text.replaceAll(CERTIFICATE, "");
  const labels = [...rest.matchAll(/-----BEGIN([^\r\n]*?)-----/g)].map(([, label = ""]) => label.trim());
  const names = labels.map((label) => {
    if (label === "CERTIFICATE") return "a damaged CERTIFICATE";
    return /^[A-Z0-9 ]{1,40}$/.test(label) ? label : "another block";
  });
  return [...new Set(names)];
}

export function isOnlyCertificates(text: string): boolean {
  return certificateBlocks(text).length > 0 && otherBlocks(text).length === 0;
}

/**
 * Extracts the certificates from a text that must hold nothing else. They become part of the initdata, which
 * is public. A private key, or a text without certificates, becomes an issue.
 * @param source `where` is the subject of the problem, for example `Secret "a" whose tls.crt`
 */
export function onlyCertificates(
  text: string,
  { path, where }: { readonly path: string; readonly where: string },
  issues: Issues,
): string {
  const certificates = certificateBlocks(text);
  const others = otherBlocks(text);
  if (others.length > 0) {
    issues.add({
      code: "TA703",
      path,
      given: `${where} holds more than certificates: ${others.join(", ")}`,
      allowed: "certificates in PEM only, since initdata is public",
      fix: "Keep only the certificates there.",
    });
  }
  if (certificates.length === 0) {
    issues.add({
      code: "TA821",
      path,
      given: `${where} holds no certificate`,
      allowed: "the KBS's certificate in PEM",
      fix: "Put the certificate that the KBS serves there, or name the Secret that holds it.",
    });
  }
  return certificates.join("");
}
