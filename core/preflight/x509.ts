import { X509Certificate } from "node:crypto";
import { certificateBlocks } from "../pem.ts";

/** What a guest's TLS library reads in certificates: rustls, so webpki. Node's own answers are OpenSSL's, which differ. */

export function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** Every certificate of a PEM text that can be read. */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  return certificateBlocks(pem).flatMap((block) => readCertificate(block) ?? []);
}

/** basicConstraints with CA:TRUE, in DER as hex: its identifier, whether it is critical, and the sequence that begins by TRUE. */
const CA_TRUE = /^(?:..)*?0603551d13(?:0101ff)?04..30..0101ff/;

/** Whether it says CA:TRUE. `X509Certificate.ca` is false of a CA whose key usage is not that of one. */
export function isAuthority({ raw }: X509Certificate): boolean {
  return CA_TRUE.test(raw.toString("hex"));
}

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

const CURVES: readonly unknown[] = ["prime256v1", "secp384r1", "secp521r1"];

/** Why nobody's signature by this key is taken; undefined if it is. */
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
 * Why a guest takes it for nobody's; empty if it may do so. Node calls the extended key usage `keyUsage`; where there is none, every use is
 * allowed.
 * @param isTrusted as what it is told to trust: then the key alone counts
 */
export function fitnessFlaws(certificate: X509Certificate, isTrusted = false): readonly string[] {
  const usages = certificate.keyUsage as readonly string[] | undefined;
  const isSha1 = /sha-?1(?!\d)|md5/i.test(certificate.signatureAlgorithm ?? "");
  const own = [
    ...(usages?.includes(SERVER_AUTH) === false
      ? ["is not for servers (its extendedKeyUsage lacks serverAuth)"]
      : []),
    ...(isSha1 ? ["is signed by way of SHA-1 or MD5"] : []),
  ];
  return [...(isTrusted ? [] : own), keyFlaw(certificate) ?? []].flat();
}

/** Whether it names the host: the common name counts for nothing, and a wildcard is a whole label. */
export function covers(certificate: X509Certificate, host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const isAddress = /^[\d.]+$/.test(bare) || bare.includes(":");
  const matched = isAddress
    ? certificate.checkIP(bare)
    : certificate.checkHost(bare, { subject: "never", partialWildcards: false });
  return matched !== undefined;
}

/** By name and signature alone: the key usage of the issuer does not count. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.issuer === issuer.subject && certificate.verify(issuer.publicKey);
  } catch {
    // A key of a kind that is not known here.
    return false;
  }
}

export function isSelfSigned(certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate);
}

/** No guest looks at more; whoever serves more may have written them to be looked at for long. */
const MOST_BETWEEN = 16;

/**
 * The certificates from the one that is served to the one that a guest trusts, without that; undefined if there is no such way.
 * @param others what is served beside it, in whatever order
 */
export function pathTo(
  root: X509Certificate,
  leaf: X509Certificate,
  others: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  const rest = new Set(others.slice(0, MOST_BETWEEN).filter(isAuthority));
  // Each stands in one path only, so that this ends however they have signed each other.
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

/** Whether two PEM texts have to do with each other: they share a certificate, or one of the one issued one of the other. */
export function areRelated(one: string, other: string): boolean {
  return certificatesIn(one).some((a) =>
    certificatesIn(other).some(
      (b) => a.fingerprint256 === b.fingerprint256 || isIssuedBy(a, b) || isIssuedBy(b, a),
    ),
  );
}
