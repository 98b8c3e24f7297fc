import type { X509Certificate } from "node:crypto";
import { certificateBlocks } from "../pem.ts";
import { DAY } from "../reference-values/validity.ts";
import { covers, isAuthority, isSelfSigned, fitnessFlaws, pathTo, readCertificate } from "./x509.ts";

/** Days before its expiry from which a certificate is reported. */
const WARN_DAYS = 30;

/** Which certificate: the KBS's own, one that it serves in addition, or the one that guests trust. */
export type Role = "server" | "intermediate" | "trusted";

/** A problem with how guests reach a KBS. */
export type EndpointFlaw =
  /** No URL, or one with a scheme other than http and https. */
  | { readonly kind: "no-url" }
  | { readonly kind: "http" }
  | { readonly kind: "unreadable" }
  /** Not valid now. `words`: `expired on ...`. */
  | { readonly kind: "term"; readonly words: string; readonly role: Role; readonly subject: string }
  /** About to expire. `words`: `expires on ..., in 3 days`. */
  | { readonly kind: "soon"; readonly words: string; readonly role: Role; readonly subject: string }
  /** The certificate names other hosts. Harmless if it is the CA of the served one. */
  | {
      readonly kind: "host";
      readonly host: string;
      readonly names: string;
      readonly isCa: boolean;
    }
  /** The certificate names the host but says CA:TRUE: rustls accepts no CA as a server certificate. */
  | { readonly kind: "authority" }
  /** No guest accepts the certificate. `words`: `is not for servers`, `has an RSA key of 1024 bits`. */
  | { readonly kind: "unfit"; readonly words: string; readonly role: Role; readonly subject: string }
  /** No certificate that guests trust issued it. */
  | { readonly kind: "issuer"; readonly issuer: string; readonly isPinned: boolean };

/** How guests reach a KBS, and what it serves. */
export interface Endpoint {
  readonly url: string;
  /** The certificate that guests trust, PEM; only the first counts. Absent: their own trust store. */
  readonly certificate?: string | undefined;
  /**
   * What the KBS serves, PEM, its own certificate first. `null`: unknown, for example behind a router.
   * @default `certificate`, if that is all that is known
   */
  readonly served?: string | null | undefined;
}

function utc(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

/** A distinguished name on one line. */
function oneLine(name: string): string {
  return name.split("\n").join(", ");
}

function termFlaws(certificate: X509Certificate, role: Role, now: Date): readonly EndpointFlaw[] {
  const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
  const whose = { role, subject: oneLine(certificate.subject) };
  if (now > to) return [{ kind: "term", words: `expired on ${utc(to)}`, ...whose }];
  if (now < from) return [{ kind: "term", words: `is not valid before ${utc(from)}`, ...whose }];
  const days = Math.floor((to.getTime() - now.getTime()) / DAY);
  return days < WARN_DAYS
    ? [{ kind: "soon", words: `expires on ${utc(to)}, in ${days} days`, ...whose }]
    : [];
}

function unfitFlaws(certificate: X509Certificate, role: Role): readonly EndpointFlaw[] {
  return fitnessFlaws(certificate, role === "trusted").map((words) => ({
    kind: "unfit",
    words,
    role,
    subject: oneLine(certificate.subject),
  }));
}

/** Problems between the served certificate and the one that guests trust. */
function chainFlaws(
  trusted: X509Certificate | undefined,
  [leaf, ...others]: readonly [X509Certificate, ...(readonly X509Certificate[])],
  now: Date,
): readonly EndpointFlaw[] {
  const issuer = oneLine(leaf.issuer);
  // The guests' trust stores are unknown, but none contains a self-signed KBS certificate.
  if (trusted === undefined) return isSelfSigned(leaf) ? [{ kind: "issuer", issuer, isPinned: false }] : [];
  const between = (one: X509Certificate): readonly EndpointFlaw[] => [
    ...termFlaws(one, "intermediate", now),
    ...unfitFlaws(one, "intermediate"),
  ];
  const sound = others.filter((one) => between(one).every(({ kind }) => kind === "soon"));
  const path = pathTo(trusted, leaf, sound) ?? pathTo(trusted, leaf, others);
  if (path === undefined) return [{ kind: "issuer", issuer, isPinned: true }];
  return [
    ...path.slice(1).flatMap(between),
    ...(trusted.fingerprint256 === leaf.fingerprint256 ? [] : trustedFlaws(trusted.toString(), now)),
  ];
}

/** Problems of the trusted certificate itself. */
function trustedFlaws(pem: string | undefined, now: Date): readonly EndpointFlaw[] {
  if (pem === undefined) return [];
  const [trusted] = certificateBlocks(pem).map(readCertificate);
  if (trusted === undefined) return [{ kind: "unreadable" }];
  return [...termFlaws(trusted, "trusted", now), ...unfitFlaws(trusted, "trusted")];
}

/** Why guests that know only this URL and certificate might not reach the KBS. */
export function endpointFlaws(
  { url, certificate: pem, served }: Endpoint,
  now: Date,
): readonly EndpointFlaw[] {
  if (!URL.canParse(url)) return [{ kind: "no-url" }];
  const { protocol, hostname: host } = new URL(url);
  // `kbs.example.com:8080` parses as a URL with the scheme `kbs.example.com:`. No guest reaches that.
  if (!["http:", "https:"].includes(protocol)) return [{ kind: "no-url" }];
  if (protocol !== "https:") return [{ kind: "http" }];
  if (served === null) return trustedFlaws(pem, now);
  const shown = served ?? pem;
  if (shown === undefined) return [];
  const chain = certificateBlocks(shown).map(readCertificate);
  const pinned = pem === undefined ? undefined : certificateBlocks(pem).map(readCertificate);
  const [leaf, ...others] = chain;
  const [trusted] = pinned ?? [];
  const all = [...chain, ...(pinned ?? [])];
  const isRead = (one: X509Certificate | undefined): one is X509Certificate => one !== undefined;
  if (!isRead(leaf) || pinned?.length === 0 || !all.every(isRead)) return [{ kind: "unreadable" }];
  const isCa = isAuthority(leaf);
  const isNamed = covers(leaf, host);
  const names = leaf.subjectAltName ?? "no name at all";
  return [
    ...termFlaws(leaf, "server", now),
    ...(isNamed ? [] : [{ kind: "host", host, names, isCa } as const]),
    ...(isNamed && isCa ? [{ kind: "authority" } as const] : []),
    // A CA that is not a server certificate may be the issuer of the served one.
    ...(isCa ? [] : unfitFlaws(leaf, "server")),
    ...(isCa ? [] : chainFlaws(trusted, [leaf, ...others.filter(isRead)], now)),
  ];
}
