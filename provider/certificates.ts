import { z } from "zod";
import { Issues } from "../core/issues.ts";
import { trustedCertificate } from "../core/preflight/authority.ts";
import { certificateBlocks, onlyCertificates } from "../core/pem.ts";
import { trusteeNames } from "../core/trustee/generation.ts";
import { tlsSecretIn, type Names } from "../core/trustee/seen.ts";
import type { KubeObject } from "../kube/objects.ts";
import type { TrusteeObjects } from "../kube/trustee-objects.ts";
import type { NamespaceReads } from "./namespace-reads.ts";

const PATH = "trustee.certificateSecret";

/** The settings about the certificate, and whether any initdata contains it. */
export interface CertificateArgs {
  readonly namespace: string;
  /** @default the Secret that the KbsConfig names, or the one that it is a copy of */
  readonly certificateSecret?: string | undefined;
  /** PEM, or `public`. */
  readonly certificateAuthority?: string | undefined;
  /** `trustee.url` */
  readonly url?: string | undefined;
  /** Whether any initdata is generated. Only that says what a guest trusts. */
  readonly generatesInitdata: boolean;
}

/** What guests should trust, and what the KBS serves. */
export interface Certificates {
  /** Absent: the guests' own trust store decides. */
  readonly certificate?: string;
  /** Absent: the same. `null`: unknown. */
  readonly servedCertificate?: string | null;
  /** The Secret with the certificate; absent: none. */
  readonly certificateSecret?: string;
}

/** Whether generated initdata needs a certificate that no setting gives. */
function isNeededBy({ generatesInitdata, certificateAuthority }: CertificateArgs): boolean {
  return generatesInitdata && certificateAuthority === undefined;
}

/** What guests should trust if the served certificate is unknown. */
function unseen({ certificateAuthority }: CertificateArgs): Certificates {
  if (certificateAuthority === undefined) return {};
  const certificate = trustedCertificate("", { setting: certificateAuthority });
  return certificate === undefined ? {} : { certificate, servedCertificate: null };
}

/** The same behind a router that ends TLS: guests see only the router's certificate. */
export function routersCertificates(route: string, args: CertificateArgs, issues: Issues): Certificates {
  if (isNeededBy(args))
    issues.add({
      code: "TA810",
      path: "trustee.certificateAuthority",
      given: `nothing, and Route "${route}" ends TLS at the router, whose certificate is unknown here`,
      allowed: 'the CA of the router\'s certificate in PEM, or "public" for one that every guest knows',
      fix: "Set it, or change the Route's termination to passthrough.",
    });
  return unseen(args);
}

/**
 * The Secrets that may hold the KBS's certificate, best first: the one in the settings, else the one in the
 * KbsConfig. The operator's copy has no ca.crt, so its source comes first.
 */
async function candidatesFor(
  reads: NamespaceReads,
  { certificate, trusteeConfig }: Names,
  setting: string | undefined,
): Promise<readonly string[]> {
  if (setting !== undefined) return [setting];
  if (certificate === undefined) return [trusteeNames.certificate];
  if (trusteeConfig === undefined) return [certificate];
  const read = await reads.read("TrusteeConfig", trusteeConfig, true);
  // This account may lack the right to read it.
  const source = read?.value === undefined ? trusteeNames.certificate : tlsSecretIn(read.value);
  return source === undefined ? [certificate] : [source, certificate];
}

/** The Secret with the KBS's certificate, and its name. */
async function findSecret(
  reads: NamespaceReads,
  names: Names,
  { certificateSecret, namespace }: CertificateArgs,
  isNeeded: boolean,
  issues: Issues,
): Promise<{ readonly name: string; readonly secret: KubeObject } | undefined> {
  const candidates = await candidatesFor(reads, names, certificateSecret);
  for (const name of candidates) {
    const read = await reads.read("Secret", name, !isNeeded);
    if (read === undefined) return undefined;
    if (read.value !== undefined) return { name, secret: read.value };
  }
  if (isNeeded)
    issues.add({
      code: "TA804",
      path: PATH,
      given: `Secret "${candidates[0] ?? ""}", which does not exist in namespace "${namespace}"`,
      allowed: "a Secret that exists",
      fix: "Install Trustee, or name the Secret that holds the KBS's certificate. If a router or an Ingress serves TLS, set trustee.certificateAuthority. If the KBS serves http, set trustee.url to its http URL.",
    });
  return undefined;
}

/**
 * What guests should trust. No Secret is read for an http URL, without generated initdata, or if a setting
 * names the CA.
 * @param seen where the KBS finds its certificate
 */
export async function readCertificates(
  reads: NamespaceReads,
  { names, seen }: Pick<TrusteeObjects, "names" | "seen">,
  args: CertificateArgs,
  issues: Issues,
): Promise<Certificates> {
  if (args.url?.startsWith("http:") === true) return {};
  const isNeeded = isNeededBy(args);
  const found = await findSecret(reads, names, args, isNeeded, issues);
  if (found === undefined) return unseen(args);
  const { name, secret } = found;
  const key = seen.certificate?.name === name ? seen.certificate.key : undefined;
  const certificates = certificatesOf(secret, key, args, isNeeded ? issues : new Issues());
  return { ...certificates, certificateSecret: name };
}

/**
 * The key of the certificate: the one that the KBS mounts, else `tls.crt`, else the only one with
 * certificates that is not the CA's.
 */
function certificateKey(texts: ReadonlyMap<string, string>, mounted: string | undefined): string {
  const [only, ...more] = [...texts].filter(
    ([key, text]) => key !== "ca.crt" && certificateBlocks(text).length > 0,
  );
  const usual = mounted ?? "tls.crt";
  return texts.has(usual) || only === undefined || more.length > 0 ? usual : only[0];
}

/** The certificates in a Secret like `kubernetes.io/tls`. They are public, unlike its other keys. */
function certificatesOf(
  secret: KubeObject,
  mounted: string | undefined,
  args: CertificateArgs,
  issues: Issues,
): Certificates {
  const data = z.record(z.string(), z.string()).nullish().parse(secret["data"]) ?? {};
  const texts = new Map(
    Object.entries(data).map(([key, encoded]) => [key, Buffer.from(encoded, "base64").toString("utf8")]),
  );
  const key = certificateKey(texts, mounted);
  const name = `Secret "${secret.metadata.name}"`;
  const served = texts.get(key);
  if (served === undefined) {
    issues.add({
      code: "TA821",
      path: PATH,
      given: `${name} without the key ${key}`,
      allowed: `a Secret with the KBS's certificate in PEM under ${key}`,
      fix: "Put the certificate that the KBS serves into the Secret, or name the Secret that holds it.",
    });
    return {};
  }
  const servedCertificate = onlyCertificates(served, { path: PATH, where: `${name} whose ${key}` }, issues);
  const authority = texts.get("ca.crt") ?? "";
  const sources = { setting: args.certificateAuthority, secret: authority };
  const certificate = trustedCertificate(servedCertificate, sources);
  if (certificate === servedCertificate) return { certificate };
  if (certificateBlocks(authority).some((one) => one === certificate)) {
    onlyCertificates(authority, { path: PATH, where: `${name} whose ca.crt` }, issues);
  }
  return { servedCertificate, ...(certificate === undefined ? {} : { certificate }) };
}
