import { X509Certificate } from "node:crypto";
import type { Issues } from "../issues.ts";

/** From here on it is said that a certificate is about to expire. Days. */
const WARN_DAYS = 30;
const DAY = 86_400_000;

function firstCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** Whether the certificate names the host, as the guests' TLS library reads it: the common name counts for nothing. */
function covers(certificate: X509Certificate, host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const isAddress = /^[\d.]+$/.test(bare) || bare.includes(":");
  const matched = isAddress ? certificate.checkIP(bare) : certificate.checkHost(bare, { subject: "never" });
  return matched !== undefined;
}

function utc(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

/**
 * Whether guests that trust this certificate alone will reach the KBS.
 * @param pem one certificate or a chain, the KBS's own first
 * @param where the Secret that holds it, for messages
 * @returns warnings; what keeps every guest from its secrets becomes an issue
 */
export function checkCertificate(
  pem: string,
  url: string,
  where: string,
  now: Date,
  issues: Issues,
): readonly string[] {
  const { protocol, hostname: host } = new URL(url);
  if (protocol !== "https:") {
    return [
      `trustee.url: ${url} is not https, so no guest checks that it talks to this KBS. Serve it by TLS, and set the https URL.`,
    ];
  }
  const certificate = firstCertificate(pem);
  if (certificate === undefined) {
    issues.add({
      path: "trustee.certificateSecret",
      given: `${where}, whose certificate cannot be read`,
      allowed: "a certificate in PEM",
      mend: "Put the certificate that the KBS serves into the Secret.",
    });
    return [];
  }
  const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
  if (now < from || now > to) {
    issues.add({
      path: "trustee.certificateSecret",
      given: `${where}, whose certificate ${now > to ? `expired on ${utc(to)}` : `is not valid before ${utc(from)}`}`,
      allowed: "a certificate that is valid now: no guest gets a secret otherwise",
      mend: "Renew the KBS's certificate; every pod then gets new initdata by itself.",
    });
  }
  const warnings: string[] = [];
  const days = Math.floor((to.getTime() - now.getTime()) / DAY);
  if (days >= 0 && days < WARN_DAYS) {
    warnings.push(
      `trustee.certificateSecret: the certificate in ${where} expires on ${utc(to)}, in ${days} days. A new one means new initdata, and new pods.`,
    );
  }
  if (!covers(certificate, host)) {
    const names = certificate.subjectAltName ?? "no name at all";
    // As a root it may have signed the one that the KBS serves; as a leaf it is the one.
    if (certificate.ca) {
      warnings.push(
        `trustee.url: the certificate in ${where} does not name ${host} (it names ${names}). Unless it is the CA of the one that the KBS serves, no guest gets a secret.`,
      );
    } else {
      issues.add({
        path: "trustee.url",
        given: `the host ${host}, which the certificate in ${where} does not name: it names ${names}`,
        allowed: "a host that the certificate names",
        mend: "Issue the certificate for that host too (subjectAltName), or set trustee.url to one that it names.",
      });
    }
  }
  return warnings;
}
