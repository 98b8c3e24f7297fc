import type { Issues } from "../issues.ts";
import { endpointFlaws, type EndpointFlaw } from "./endpoint.ts";

/** How the guests are told to reach the KBS, and where each part of that comes from. */
export interface ServedEndpoint {
  readonly url: string;
  /** PEM, one certificate or a chain, the KBS's own first. */
  readonly certificate: string;
  /** The Secret that holds it, for messages. */
  readonly where: string;
  /** Whether the URL is `trustee.url`; else its host is the Route's, which goes before `trustee.url`. */
  readonly urlFrom: "setting" | "route";
  /** Whether `trustee.url` is set, although the Route's host goes before it. @default false */
  readonly isOverridden?: boolean;
}

function checkHost(
  { where, urlFrom, isOverridden = false }: ServedEndpoint,
  { host, names, isCa }: Extract<EndpointFlaw, { kind: "host" }>,
  issues: Issues,
): readonly string[] {
  const isSet = urlFrom === "setting";
  const path = isSet ? "trustee.url" : "trustee.certificateSecret";
  if (isCa) {
    const which = isSet ? host : `the Route's host ${host}`;
    return [
      `${path}: the certificate in ${where} does not name ${which} (it names ${names}). Unless it is the CA of the one that the KBS serves, no guest gets a secret.`,
    ];
  }
  const route =
    "Issue the certificate for the Route's host too (subjectAltName), or name the Secret with the one that the KBS serves there.";
  const setting = isOverridden ? " trustee.url does not help: where there is a Route, its host counts." : "";
  issues.add(
    isSet
      ? {
          path,
          given: `the host ${host}, which the certificate in ${where} does not name: it names ${names}`,
          allowed: "a host that the certificate names",
          mend: "Set trustee.url to a host that the certificate names. Only if the pods do reach the KBS by this one, issue the certificate for it too (subjectAltName).",
        }
      : {
          path,
          given: `${where}, whose certificate does not name the Route's host ${host}: it names ${names}`,
          allowed: "a certificate that names the host by which the pods reach the KBS",
          mend: `${route}${setting}`,
        },
  );
  return [];
}

/**
 * Whether guests that trust this certificate alone will reach the KBS.
 * @returns warnings; what keeps every guest from its secrets becomes an issue
 */
export function checkCertificate(endpoint: ServedEndpoint, now: Date, issues: Issues): readonly string[] {
  const { url, where } = endpoint;
  const path = "trustee.certificateSecret";
  return endpointFlaws(endpoint, now).flatMap((flaw): readonly string[] => {
    switch (flaw.kind) {
      case "no-url":
        issues.add({
          path: "trustee.url",
          given: `"${url}", which is no http or https URL`,
          allowed: "the URL at which the pods reach the KBS",
          mend: "Correct it.",
        });
        return [];
      case "http":
        return [
          `trustee.url: ${url} is not https, so no guest checks that it talks to this KBS. Serve it by TLS, and set the https URL.`,
        ];
      case "unreadable":
        issues.add({
          path,
          given: `${where}, whose certificate cannot be read`,
          allowed: "a certificate in PEM",
          mend: "Put the certificate that the KBS serves into the Secret.",
        });
        return [];
      case "term":
        issues.add({
          path,
          given: `${where}, whose certificate ${flaw.words}`,
          allowed: "a certificate that is valid now: no guest gets a secret otherwise",
          mend: "Renew the KBS's certificate; every pod without an initdataFile then gets new initdata by itself.",
        });
        return [];
      case "soon":
        return [
          `${path}: the certificate in ${where} ${flaw.words}. A new one means new initdata, and new pods.`,
        ];
      case "host":
        return checkHost(endpoint, flaw, issues);
    }
  });
}
