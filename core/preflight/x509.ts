import { X509Certificate } from "node:crypto";
import { certificateBlocks } from "../pem.ts";

/** Certificate checks as in the guests' TLS library, rustls (webpki), from which Node's OpenSSL differs. */

export function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** Every readable certificate in a PEM text. */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  return certificateBlocks(pem).flatMap((block) => readCertificate(block) ?? []);
}

/** basicConstraints with CA:TRUE, DER in hex: identifier, critical flag, a sequence that starts with TRUE. */
const CA_TRUE = /^(?:..)*?0603551d13(?:0101ff)?04..30..0101ff/;

/** Whether it says CA:TRUE. `X509Certificate.ca` is false for a CA with an unsuitable key usage. */
export function isAuthority({ raw }: X509Certificate): boolean {
  return CA_TRUE.test(raw.toString("hex"));
}

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

const CURVES: readonly unknown[] = ["prime256v1", "secp384r1", "secp521r1"];

/** Why no signature by this key is accepted; undefined if it is. */
function keyFlaw({
  publicKey: { asymmetricKeyType: type, asymmetricKeyDetails: details },
}: X509Certificate): string | undefined {
  if (type === "rsa") {
    const bits = details?.modulusLength ?? 0;
    return bits < 2048 ? `has an RSA key of ${bits} bits` : undefined;
  }
  if (type === "ec" && CURVES.includes(details?.namedCurve)) return undefined;
  return type === "ed25519" ? undefined : `has a key of the kind ${details?.namedCurve ?? type ?? "unknown"}`;
}

/**
 * Why a guest rejects the certificate; empty if it accepts it. Node calls the extended key usage `keyUsage`.
 * Without one, every use is allowed.
 * @param isTrusted whether it is the trust anchor: then only the key counts
 */
export function fitnessFlaws(certificate: X509Certificate, isTrusted = false): readonly string[] {
  const usages = certificate.keyUsage as readonly string[] | undefined;
  const isSha1 = /sha-?1(?!\d)|md5/i.test(certificate.signatureAlgorithm ?? "");
  const own = [
    ...(usages?.includes(SERVER_AUTH) === false
      ? ["is not for servers (its extendedKeyUsage lacks serverAuth)"]
      : []),
    ...(isSha1 ? ["is signed with SHA-1 or MD5"] : []),
  ];
  return [...(isTrusted ? [] : own), keyFlaw(certificate) ?? []].flat();
}

/** Whether it names the host. The common name does not count; a wildcard matches a whole label. */
export function covers(certificate: X509Certificate, host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const isAddress = /^[\d.]+$/.test(bare) || bare.includes(":");
  const matched = isAddress
    ? certificate.checkIP(bare)
    : certificate.checkHost(bare, { subject: "never", partialWildcards: false });
  return matched !== undefined;
}

/** By name and signature only. The issuer's key usage does not count. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.issuer === issuer.subject && certificate.verify(issuer.publicKey);
  } catch {
    // An unsupported kind of key.
    return false;
  }
}

export function isSelfSigned(certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate);
}

/** Guests read no more than these. The limit also bounds the work for hostile chains. */
const MOST_BETWEEN = 16;

/**
 * The chain from the served certificate up to the trusted one, excluded; undefined if there is none.
 * @param others the other served certificates, in any order
 */
export function pathTo(
  root: X509Certificate,
  leaf: X509Certificate,
  others: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  const rest = new Set(others.slice(0, MOST_BETWEEN).filter(isAuthority));
  // Each certificate is in one path only, so this ends even if they signed each other.
  const paths: (readonly [X509Certificate, ...X509Certificate[]])[] = [[leaf]];
  for (const path of paths) {
    const [last] = path;
    if (isIssuedBy(last, root)) return path.toReversed();
    for (const issuer of rest) {
      if (!isIssuedBy(last, issuer)) continue;
      rest.delete(issuer);
      paths.push([issuer, ...path]);
    }
  }
  return undefined;
}

/** Whether two PEM texts share a certificate, or a certificate in one issued one in the other. */
export function areRelated(one: string, other: string): boolean {
  return certificatesIn(one).some((a) =>
    certificatesIn(other).some(
      (b) => a.fingerprint256 === b.fingerprint256 || isIssuedBy(a, b) || isIssuedBy(b, a),
    ),
  );
}
