import { z } from "zod";
import type { Issues } from "../core/issues.ts";
import { trustedCertificate } from "../core/limits/authority.ts";
import { certificateBlocks, onlyCertificates } from "../core/pem.ts";
import { own } from "../core/records.ts";
import type { KubeObject } from "../kube/objects.ts";

const PATH = "trustee.certificateSecret";

/** Which Secret it is, and what the settings say of it. */
export interface CertificateArgs {
  readonly certificateSecret: string;
  /** PEM, or `public`. */
  readonly certificateAuthority?: string | null | undefined;
}

/** What guests are to trust, and what the KBS serves. */
export interface Certificates {
  /** Absent: the guests' own trust store decides. */
  readonly certificate?: string;
  /** Absent: the same. */
  readonly servedCertificate?: string;
}

/** The certificates in a `kubernetes.io/tls`-like Secret: public, unlike the rest of it. */
export function certificatesOf(secret: KubeObject, args: CertificateArgs, issues: Issues): Certificates {
  const data = z.record(z.string(), z.string()).nullish().parse(secret["data"]) ?? {};
  const textOf = (key: string): string | undefined => {
    const encoded = own(data, key);
    return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString("utf8");
  };
  const name = `Secret "${args.certificateSecret}"`;
  const served = textOf("tls.crt");
  if (served === undefined) {
    issues.add({
      path: PATH,
      given: `${name} without the key tls.crt`,
      allowed: "a Secret with the KBS's certificate in PEM under tls.crt",
      mend: "Put the certificate that the KBS serves into the Secret, or name the Secret that holds it.",
    });
    return {};
  }
  const servedCertificate = onlyCertificates(served, { path: PATH, where: `${name} whose tls.crt` }, issues);
  const authority = textOf("ca.crt") ?? "";
  const certificate = trustedCertificate(servedCertificate, {
    setting: args.certificateAuthority ?? undefined,
    secret: authority,
  });
  if (certificate === servedCertificate) return { certificate };
  if (certificateBlocks(authority).some((one) => one === certificate)) {
    onlyCertificates(authority, { path: PATH, where: `${name} whose ca.crt` }, issues);
  }
  return { servedCertificate, ...(certificate === undefined ? {} : { certificate }) };
}
