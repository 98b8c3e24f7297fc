import type { Issue, Issues } from "../issues.ts";
import { endpointFlaws, type Endpoint, type EndpointFlaw, type Role } from "./endpoint.ts";

/** How guests reach the KBS, and which settings that comes from. */
export interface ServedEndpoint extends Endpoint {
  /** The Secret with the served certificate, for messages. */
  readonly where: string;
  /** `setting`: the URL is `trustee.url`. `route`: its host is the Route's. */
  readonly urlFrom: "setting" | "route";
  /** The setting with the CA. @default none: it comes from the Secret */
  readonly authorityFrom?: "trustee.certificateAuthority" | "trustee.certificateAuthorityFile" | undefined;
  /** Whether any initdata is generated. If not, no pod uses this certificate. @default true */
  readonly isGenerated?: boolean;
}

const SECRET_PATH = "trustee.certificateSecret";

/** The effect of a flaw: a problem for all guests, or a warning. */
type Finding = Issue | string;

function hostFinding(
  { where, urlFrom }: ServedEndpoint,
  { host, names, isCa }: Extract<EndpointFlaw, { kind: "host" }>,
): Finding {
  const isSet = urlFrom === "setting";
  const path = isSet ? "trustee.url" : SECRET_PATH;
  if (isCa) {
    const which = isSet ? host : `the Route's host ${host}`;
    return `${path}: the certificate in ${where} does not name ${which} (it names ${names}). Unless it is the CA of the KBS's certificate, no guest gets a secret.`;
  }
  return isSet
    ? {
        code: "TA822",
        path,
        given: `the host ${host}, which the certificate in ${where} does not name: it names ${names}`,
        allowed: "a host that the certificate names",
        fix: "Set trustee.url to a host that the certificate names. If the pods reach the KBS at this host, issue the certificate for it too (subjectAltName).",
      }
    : {
        code: "TA822",
        path,
        given: `${where}, whose certificate does not name the Route's host ${host}: it names ${names}`,
        allowed: "a certificate with the host at which the pods reach the KBS",
        fix: "Issue the certificate for the Route's host too (subjectAltName), name the Secret of the served certificate, or set trustee.url to a host that the certificate names.",
      };
}

/** Names the certificate, after "whose". */
function whichOf({ role, subject }: { readonly role: Role; readonly subject: string }): string {
  if (role === "server") return "certificate";
  return role === "trusted" ? `CA's certificate (${subject})` : `intermediate CA's certificate (${subject})`;
}

function termFinding(
  { where, authorityFrom, certificate, served = certificate }: ServedEndpoint,
  { kind, words, role, subject }: Extract<EndpointFlaw, { kind: "term" | "soon" }>,
): Finding {
  if (role === "trusted") {
    const refusal = kind === "term" ? ", so guests with OpenSSL refuse it" : "";
    return `${authorityFrom ?? SECRET_PATH}: the CA's certificate that the guests trust (${subject}) ${words}${refusal}. A new one means new initdata, and new pods.`;
  }
  const which = whichOf({ role, subject });
  const isPinned = certificate === served;
  if (kind === "soon") {
    const renewal = isPinned
      ? "A new one means new initdata, and new pods."
      : "No pod has to change for a new one.";
    return `${SECRET_PATH}: the ${which} in ${where} ${words}. ${renewal}`;
  }
  return {
    code: "TA823",
    path: SECRET_PATH,
    given: `${where}, whose ${which} ${words}`,
    allowed: "a certificate that is valid now: no guest gets a secret otherwise",
    fix: isPinned
      ? "Renew the KBS's certificate; every pod without an initdataFile then gets new initdata by itself."
      : "Renew it; no pod has to change.",
  };
}

/** The certificate that guests trust did not issue the served one. */
function issuerFinding(
  { where, authorityFrom }: ServedEndpoint,
  { issuer, isPinned }: Extract<EndpointFlaw, { kind: "issuer" }>,
): Finding {
  const known = `For a CA that every guest knows, set trustee.certificateAuthority to "public".`;
  if (!isPinned) {
    return {
      code: "TA825",
      path: authorityFrom ?? SECRET_PATH,
      given: `"public", and the certificate in ${where} is self-signed: no guest knows it`,
      allowed: "a certificate that a public CA has issued",
      fix: "Remove the setting: guests then trust that certificate.",
    };
  }
  return authorityFrom === undefined
    ? {
        code: "TA825",
        path: SECRET_PATH,
        given: `${where}, whose certificate is issued by ${issuer}, but that CA's certificate is missing: a guest that trusts only the KBS's own certificate refuses it`,
        allowed: "a self-signed certificate, or the CA's too",
        fix: `Put the CA's certificate into the Secret under ca.crt, or set trustee.certificateAuthority to it. ${known}`,
      }
    : {
        code: "TA825",
        path: authorityFrom,
        given: `no certificate of ${issuer}, the CA that issued the certificate in ${where}`,
        allowed: "the certificate of that CA, in PEM",
        fix: `Set it to the CA's certificate. An intermediate CA belongs after the KBS's own certificate in tls.crt. ${known}`,
      };
}

function findingOf(endpoint: ServedEndpoint, flaw: EndpointFlaw): Finding {
  const { url, where } = endpoint;
  const path = SECRET_PATH;
  switch (flaw.kind) {
    case "no-url":
      return {
        code: "TA602",
        path: "trustee.url",
        given: `"${url}", which is not an http or https URL`,
        allowed: "the URL at which the pods reach the KBS",
        fix: "Correct it.",
      };
    case "http":
      return `trustee.url: ${url} is not https, so no guest checks that it talks to this KBS. Serve it by TLS, and set the https URL.`;
    case "unreadable":
      return {
        code: "TA821",
        path,
        given: `${where}, whose certificate cannot be read`,
        allowed: "a certificate in PEM",
        fix: "Put the certificate that the KBS serves into the Secret.",
      };
    case "term":
    case "soon":
      return termFinding(endpoint, flaw);
    case "host":
      return hostFinding(endpoint, flaw);
    case "authority":
      return {
        code: "TA824",
        path,
        given: `${where}, whose certificate is a CA's (basicConstraints CA:TRUE): guests accept no CA as a server certificate`,
        allowed: "a server's certificate: CA:FALSE, or no basicConstraints",
        fix: "Issue a new one: openssl req -x509 with -addext basicConstraints=critical,CA:FALSE, cert-manager with isCA: false. If it is the CA of the served certificate, put the served one under tls.crt and the CA's under ca.crt.",
      };
    case "unfit":
      return {
        code: "TA824",
        path: flaw.role === "trusted" ? (endpoint.authorityFrom ?? path) : path,
        given: `${where}, whose ${whichOf(flaw)} ${flaw.words}`,
        allowed:
          "a certificate that guests accept: an extendedKeyUsage, if any, with serverAuth; RSA from 2048 bits on, P-256, P-384 or Ed25519; no SHA-1",
        fix: "Issue a new one.",
      };
    case "issuer":
      return issuerFinding(endpoint, flaw);
  }
}

/**
 * Checks that guests can reach the KBS.
 * @returns warnings; anything that keeps all guests from their secrets becomes an issue
 */
export function checkCertificate(endpoint: ServedEndpoint, now: Date, issues: Issues): readonly string[] {
  // Each initdata file has its own certificate.
  const found = endpointFlaws(endpoint, now)
    .filter(({ kind }) => kind !== "issuer" || endpoint.isGenerated !== false)
    .map((flaw) => findingOf(endpoint, flaw));
  issues.addAll(found.filter((one) => typeof one !== "string"));
  return found.filter((one) => typeof one === "string");
}
