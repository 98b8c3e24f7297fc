import type { X509Certificate } from "node:crypto";
import { certificateBlocks } from "../pem.ts";
import { DAY } from "../reference-values/validity.ts";
import { covers, isAuthority, isSelfSigned, fitnessFlaws, pathTo, readCertificate } from "./x509.ts";

/** From here on it is said that a certificate is about to expire. Days. */
const WARN_DAYS = 30;

/** Which certificate is meant: the KBS's own, one that it serves beside it, or the one that guests trust. */
export type Role = "server" | "intermediate" | "trusted";

/** What is wrong with how guests are to reach a KBS. */
export type EndpointFlaw =
  /** None at all, or of another scheme than http and https. */
  | { readonly kind: "no-url" }
  | { readonly kind: "http" }
  | { readonly kind: "unreadable" }
  /** Not valid now; `words` say since or until when: `expired on ...`. */
  | { readonly kind: "term"; readonly words: string; readonly role: Role; readonly subject: string }
  /** Valid now, but not for long: `expires on ..., in 3 days`. */
  | { readonly kind: "soon"; readonly words: string; readonly role: Role; readonly subject: string }
  /** The certificate names others. As a root it may have signed the one that is served; as a leaf it is the one. */
  | {
      readonly kind: "host";
      readonly host: string;
      readonly names: string;
      readonly isCa: boolean;
    }
  /** The certificate names the host, but says CA:TRUE: rustls takes no CA for a server. */
  | { readonly kind: "authority" }
  /** No guest takes such a one; `words` say why: `is not for servers`, `has an RSA key of 1024 bits`. */
  | { readonly kind: "unfit"; readonly words: string; readonly role: Role; readonly subject: string }
  /** Nothing that guests trust has issued it. */
  | { readonly kind: "issuer"; readonly issuer: string; readonly isPinned: boolean };

/** How guests reach a KBS, and what it serves. */
export interface Endpoint {
  readonly url: string;
  /** What the guests trust, PEM: of several the first. Absent: their own trust store decides. */
  readonly certificate?: string | undefined;
  /**
   * What the KBS serves, PEM, its own certificate first; null: that is not known, as behind a router. @default `certificate`, where only
   * that is known
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

/** What is wrong between the certificate that the KBS serves and the one that guests trust. */
function chainFlaws(
  trusted: X509Certificate | undefined,
  [leaf, ...others]: readonly [X509Certificate, ...(readonly X509Certificate[])],
  now: Date,
): readonly EndpointFlaw[] {
  const issuer = oneLine(leaf.issuer);
  // Which CAs a guest knows by itself nobody can say here; of a self-signed certificate there is none.
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

/** What is wrong with a certificate that guests trust, whatever is served. */
function trustedFlaws(pem: string | undefined, now: Date): readonly EndpointFlaw[] {
  if (pem === undefined) return [];
  const [trusted] = certificateBlocks(pem).map(readCertificate);
  if (trusted === undefined) return [{ kind: "unreadable" }];
  return [...termFlaws(trusted, "trusted", now), ...unfitFlaws(trusted, "trusted")];
}

/** Why guests might not reach a KBS that they know by this URL and this certificate alone. */
export function endpointFlaws(
  { url, certificate: pem, served }: Endpoint,
  now: Date,
): readonly EndpointFlaw[] {
  if (!URL.canParse(url)) return [{ kind: "no-url" }];
  const { protocol, hostname: host } = new URL(url);
  // `kbs.example.com:8080` is read as a URL of the scheme `kbs.example.com:`, by which no guest reaches anything.
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
    // A CA that is no server's may have issued the one that is served.
    ...(isCa ? [] : unfitFlaws(leaf, "server")),
    ...(isCa ? [] : chainFlaws(trusted, [leaf, ...others.filter(isRead)], now)),
  ];
}
