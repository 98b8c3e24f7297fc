import { X509Certificate } from "node:crypto";
import { certificateBlocks } from "../pem.ts";
import { DAY } from "../reference-values/validity.ts";

/** From here on it is said that a certificate is about to expire. Days. */
const WARN_DAYS = 30;

/** What is wrong with how guests are to reach a KBS. */
export type EndpointFlaw =
  /** None at all, or of another scheme than http and https. */
  | { readonly kind: "no-url" }
  | { readonly kind: "http" }
  | { readonly kind: "unreadable" }
  /** Not valid now; `words` say since or until when: `expired on ...`. */
  | { readonly kind: "term"; readonly words: string }
  /** Valid now, but not for long: `expires on ..., in 3 days`. */
  | { readonly kind: "soon"; readonly words: string }
  /** The certificate names others. As a root it may have signed the one that is served; as a leaf it is the one. */
  | {
      readonly kind: "host";
      readonly host: string;
      readonly names: string;
      readonly isCa: boolean;
    };

function readCertificate(pem: string): X509Certificate | undefined {
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

function termFlaw({ validFrom, validTo }: X509Certificate, now: Date): EndpointFlaw | undefined {
  const [from, to] = [new Date(validFrom), new Date(validTo)];
  if (now > to) return { kind: "term", words: `expired on ${utc(to)}` };
  if (now < from) return { kind: "term", words: `is not valid before ${utc(from)}` };
  const days = Math.floor((to.getTime() - now.getTime()) / DAY);
  return days < WARN_DAYS ? { kind: "soon", words: `expires on ${utc(to)}, in ${days} days` } : undefined;
}

/**
 * Why guests might not reach a KBS that they know by this URL and this certificate alone.
 * @param certificate one or a chain, PEM, the KBS's own first. Absent: the guests' own trust store decides
 */
export function endpointFlaws(
  { url, certificate: pem }: { readonly url: string; readonly certificate?: string },
  now: Date,
): readonly EndpointFlaw[] {
  if (!URL.canParse(url)) return [{ kind: "no-url" }];
  const { protocol, hostname: host } = new URL(url);
  // `kbs.example.com:8080` is read as a URL of the scheme `kbs.example.com:`, by which no guest reaches anything.
  if (!["http:", "https:"].includes(protocol)) return [{ kind: "no-url" }];
  if (protocol !== "https:") return [{ kind: "http" }];
  if (pem === undefined) return [];
  const certificates = certificateBlocks(pem).map(readCertificate);
  const [certificate] = certificates;
  if (certificate === undefined || certificates.includes(undefined)) return [{ kind: "unreadable" }];
  const term = termFlaw(certificate, now);
  const names = certificate.subjectAltName ?? "no name at all";
  return [
    ...(term === undefined ? [] : [term]),
    ...(covers(certificate, host) ? [] : [{ kind: "host", host, names, isCa: certificate.ca } as const]),
  ];
}

/** Every certificate of a PEM text that can be read. */
function certificatesIn(pem: string): readonly X509Certificate[] {
  return certificateBlocks(pem).flatMap((block) => readCertificate(block) ?? []);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** Whether two PEM texts have to do with each other: they share a certificate, or one of the one issued one of the other. */
export function areRelated(one: string, other: string): boolean {
  return certificatesIn(one).some((a) =>
    certificatesIn(other).some(
      (b) => a.fingerprint256 === b.fingerprint256 || isIssuedBy(a, b) || isIssuedBy(b, a),
    ),
  );
}
