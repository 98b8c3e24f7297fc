import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Issues } from "../../../core/issues.ts";
import { checkCertificate, type ServedEndpoint } from "../../../core/preflight/certificate.ts";
import { checked } from "./guest-certificates.ts";

const SECRET = 'Secret "trustee-tls-cert"';
const FROM = Date.parse("2026-01-01T00:00:00Z");
const DAY = 86_400_000;

/**
 * Made by `openssl ca -selfsign` with -startdate 20260101000000Z -enddate 20260401000000Z, all with the
 * common name kbs.example.com; `leaf` and `root` for DNS:kbs.example.com, DNS:*.apps.example.com and
 * IP:192.0.2.7, `root` with CA:TRUE.
 */
const [leaf = "", root = "", nameless = ""] = ["leaf", "root", "nameless"].map((name) =>
  readFileSync(`test/fixtures/certificates/${name}.pem`, "utf8"),
);

describe("the KBS's certificate", () => {
  const check = (pem: string, url: string, days: number, from: Partial<ServedEndpoint> = {}) =>
    checked(SECRET, { url, certificate: pem, ...from }, new Date(FROM + days * DAY));
  function fix(url: string, from: Partial<ServedEndpoint>): unknown {
    const issues = new Issues();
    const endpoint = { url, certificate: leaf, where: SECRET, urlFrom: "setting", ...from } as const;
    checkCertificate(endpoint, new Date(FROM + DAY), issues);
    return issues.found.map((issue) => issue.fix);
  }

  it.each(["https://kbs.example.com", "https://kbs.apps.example.com:8443/x", "https://192.0.2.7:8080"])(
    "covers %s",
    (url) => {
      expect(check(leaf, url, 10)).toEqual([]);
    },
  );

  it.each(["https://other.example.com", "https://a.b.apps.example.com", "https://192.0.2.8"])(
    "does not cover %s",
    (url) => {
      const { hostname } = new URL(url);
      expect(check(leaf, url, 10)).toEqual([
        `refused trustee.url: the host ${hostname}, which the certificate in ${SECRET} does not name: it names DNS:kbs.example.com, DNS:*.apps.example.com, IP Address:192.0.2.7`,
      ]);
    },
  );

  it("may be the CA of the served one, which only gives a warning", () => {
    expect(check(root, "https://other.example.com", 10)).toEqual([
      `warned trustee.url: the certificate in ${SECRET} does not name other.example.com (it names DNS:kbs.example.com, DNS:*.apps.example.com, IP Address:192.0.2.7). Unless it is the CA of the KBS's certificate, no guest gets a secret.`,
    ]);
  });

  it("has to be fixed if the host is a Route's; otherwise trustee.url", () => {
    const url = "https://other.example.com";
    const names =
      "does not name the Route's host other.example.com: it names DNS:kbs.example.com, DNS:*.apps.example.com, IP Address:192.0.2.7";
    expect(check(leaf, url, 10, { urlFrom: "route" })).toEqual([
      `refused trustee.certificateSecret: ${SECRET}, whose certificate ${names}`,
    ]);
    expect(check(root, url, 10, { urlFrom: "route" })).toEqual([
      `warned trustee.certificateSecret: the certificate in ${SECRET} does not name the Route's host other.example.com (it names DNS:kbs.example.com, DNS:*.apps.example.com, IP Address:192.0.2.7). Unless it is the CA of the KBS's certificate, no guest gets a secret.`,
    ]);
    expect(fix(url, { urlFrom: "route" })).toEqual([
      "Issue the certificate for the Route's host too (subjectAltName), name the Secret of the served certificate, or set trustee.url to a host that the certificate names.",
    ]);
    expect(fix(url, {})).toEqual([
      "Set trustee.url to a host that the certificate names. If the pods reach the KBS at this host, issue the certificate for it too (subjectAltName).",
    ]);
  });

  it("does not cover a common name, which guests ignore", () => {
    expect(check(nameless, "https://kbs.example.com", 10)).toEqual([
      `refused trustee.url: the host kbs.example.com, which the certificate in ${SECRET} does not name: it names no name at all`,
    ]);
  });

  it("is reported 30 days before its expiry, and refused after it and before its start", () => {
    expect(check(leaf, "https://kbs.example.com", 60)).toEqual([]);
    expect(check(leaf, "https://kbs.example.com", 80)).toEqual([
      `warned trustee.certificateSecret: the certificate in ${SECRET} expires on 2026-04-01T00:00:00Z, in 10 days. A new one means new initdata, and new pods.`,
    ]);
    expect(check(leaf, "https://kbs.example.com", 91)).toEqual([
      `refused trustee.certificateSecret: ${SECRET}, whose certificate expired on 2026-04-01T00:00:00Z`,
    ]);
    expect(check(leaf, "https://kbs.example.com", -1)).toEqual([
      `refused trustee.certificateSecret: ${SECRET}, whose certificate is not valid before 2026-01-01T00:00:00Z`,
    ]);
  });

  it("must be a certificate", () => {
    expect(check("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "https://x", 0)).toEqual([
      `refused trustee.certificateSecret: ${SECRET}, whose certificate cannot be read`,
    ]);
  });

  it("is not checked if the URL is not http", () => {
    for (const url of ["kbs", "kbs.example.com:8080"]) {
      expect(check(leaf, url, 0)).toEqual([
        `refused trustee.url: "${url}", which is not an http or https URL`,
      ]);
    }
  });

  it("does not matter for an http URL, which is reported instead", () => {
    expect(check(leaf, "http://kbs.example.com", 500)).toEqual([
      "warned trustee.url: http://kbs.example.com is not https, so no guest checks that it talks to this KBS. Serve it by TLS, and set the https URL.",
    ]);
  });
});
