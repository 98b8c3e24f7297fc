import { describe, expect, it } from "vitest";
import { Issues } from "../../../core/issues.ts";
import { checkCertificate, type ServedEndpoint } from "../../../core/preflight/certificate.ts";
import { checked, guestCertificate as pem, NOW } from "./guest-certificates.ts";

const WHERE = 'Secret "tls"';

const check = (
  certificate: string | undefined,
  served: string | undefined,
  more: Partial<ServedEndpoint> = {},
) => checked(WHERE, { certificate, served, ...more });

const [ca, leaf, intermediate] = [pem("ca"), pem("leaf"), pem("intermediate")];
const below = pem("leaf-of-intermediate");
const SECRET = `trustee.certificateSecret: ${WHERE}`;

describe("a guest that checks the KBS's certificate", () => {
  it("accepts a self-signed one that is no CA, and trusts only it", () => {
    for (const name of ["self-signed", "self-signed-plain"]) {
      expect(check(pem(name), pem(name))).toEqual([]);
      expect(check(pem(name), undefined)).toEqual([]);
    }
  });

  it.each(["self-signed-ca", "self-signed-ca-usage"])("takes none with CA:TRUE for a server: %s", (name) => {
    for (const served of [undefined, pem(name)]) {
      expect(check(pem(name), served)).toEqual([
        `refused ${SECRET}, whose certificate is a CA's (basicConstraints CA:TRUE): guests accept no CA as a server certificate`,
      ]);
    }
  });

  it("rejects one with CA:TRUE from a CA, whatever it trusts", () => {
    for (const trusted of [ca, undefined]) {
      expect(check(trusted, pem("leaf-that-is-ca"))).toEqual([
        `refused ${SECRET}, whose certificate is a CA's (basicConstraints CA:TRUE): guests accept no CA as a server certificate`,
      ]);
    }
  });

  it("accepts one of a CA that it trusts, also with intermediate ones", () => {
    expect(check(ca, leaf)).toEqual([]);
    expect(check(ca, below + intermediate)).toEqual([]);
    expect(check(ca, below + ca + intermediate)).toEqual([]);
    expect(check(intermediate, below)).toEqual([]);
  });

  it("uses any sound intermediate certificate, and ends even if they signed each other", () => {
    const [renewed, expired] = [pem("intermediate"), pem("intermediate-old")];
    for (const chain of [below + renewed + expired, below + expired + renewed]) {
      expect(check(ca, chain)).toEqual([]);
    }
    expect(check(ca, below + expired)).toEqual([
      expect.stringContaining("(CN=Example Intermediate) expired on"),
    ]);
    const all = pem("intermediate").repeat(500) + pem("other-ca").repeat(500);
    const before = performance.now();
    expect(check(ca, leaf + all)).toEqual([]);
    expect(check(pem("ca-expired"), below + all)).toHaveLength(1);
    expect(performance.now() - before).toBeLessThan(5000);
  });

  it("rejects one from a CA if it trusts only that one, with the fix", () => {
    const refused = `refused ${SECRET}, whose certificate is issued by CN=Example Private CA, but that CA's certificate is missing: a guest that trusts only the KBS's own certificate refuses it`;
    for (const served of [leaf, leaf + intermediate]) {
      expect(check(served, served)).toEqual([refused]);
    }
    expect(check(leaf, undefined)).toEqual([refused]);
    // Of the same name, with another key.
    expect(check(pem("other-ca"), leaf)).toEqual([refused]);
    // The intermediate one is missing.
    expect(check(ca, below)).toEqual([expect.stringContaining("is issued by CN=Example Intermediate")]);
  });

  it("trusts nothing if no initdata is generated", () => {
    expect(check(leaf, leaf, { isGenerated: false })).toEqual([]);
    expect(check(pem("self-signed-ca"), undefined, { isGenerated: false })).toHaveLength(1);
  });

  it.each(["trustee.certificateAuthority", "trustee.certificateAuthorityFile"] as const)(
    "refuses a certificate of a CA other than that in %s",
    (authorityFrom) => {
      for (const trusted of [pem("other-ca"), intermediate, leaf]) {
        expect(check(trusted, leaf, { authorityFrom })).toEqual([
          `refused ${authorityFrom}: no certificate of CN=Example Private CA, the CA that issued the certificate in ${WHERE}`,
        ]);
      }
      expect(check(ca, leaf, { authorityFrom })).toEqual([]);
    },
  );

  it("may know a public CA, and never a self-signed certificate", () => {
    const authorityFrom = "trustee.certificateAuthority";
    expect(check(undefined, leaf, { authorityFrom })).toEqual([]);
    expect(check(undefined, pem("self-signed"), { authorityFrom })).toEqual([
      `refused trustee.certificateAuthority: "public", and the certificate in ${WHERE} is self-signed: no guest knows it`,
    ]);
    const server = check(undefined, pem("leaf-client") + pem("leaf-nameless"), { authorityFrom });
    expect(server).toEqual([expect.stringContaining("extendedKeyUsage lacks serverAuth")]);
  });

  it("checks the extended key usage, which must include serverAuth", () => {
    const usage = `refused ${SECRET}, whose certificate is not for servers (its extendedKeyUsage lacks serverAuth)`;
    for (const name of ["self-signed-client", "self-signed-any"]) {
      expect(check(pem(name), pem(name))).toEqual([usage]);
    }
    expect(check(ca, pem("leaf-client"))).toEqual([usage]);
  });

  it.each([
    ["rsa-1024", "has an RSA key of 1024 bits"],
    ["secp256k1", "has a key of the kind secp256k1"],
    ["sha1", "is signed with SHA-1 or MD5"],
  ])("rejects a weak one: %s", (name, words) => {
    expect(check(pem(name), pem(name))).toEqual([`refused ${SECRET}, whose certificate ${words}`]);
  });

  it("accepts a CA's with a strong key, whatever signed it", () => {
    expect(check(pem("ca-rsa-1024"), pem("leaf-of-ca-rsa-1024"))).toEqual([
      `refused ${SECRET}, whose CA's certificate (CN=Example Weak CA) has an RSA key of 1024 bits`,
    ]);
    for (const name of ["rsa-2048", "secp521r1", "ed25519"]) expect(check(pem(name), pem(name))).toEqual([]);
  });

  it("checks the alternative names, and not the common name", () => {
    expect(check(ca, pem("leaf-nameless"))).toEqual([
      `refused trustee.url: the host kbs.example.com, which the certificate in ${WHERE} does not name: it names no name at all`,
    ]);
    expect(check(ca, leaf, { url: "https://other.example.com" })).toEqual([
      `refused trustee.url: the host other.example.com, which the certificate in ${WHERE} does not name: it names DNS:kbs.example.com`,
    ]);
  });

  it("checks all dates; an expired trusted CA is not refused by every guest", () => {
    expect(check(ca, pem("leaf-expired"))).toEqual([
      `refused ${SECRET}, whose certificate expired on 2026-01-01T00:00:00Z`,
    ]);
    expect(check(ca, pem("leaf-of-intermediate-expired") + pem("intermediate-expired"))).toEqual([
      `refused ${SECRET}, whose intermediate CA's certificate (CN=Example Past Intermediate) expired on 2026-01-01T00:00:00Z`,
    ]);
    expect(check(pem("ca-expired"), pem("leaf-of-ca-expired"))).toEqual([
      "warned trustee.certificateSecret: the CA's certificate that the guests trust (CN=Example Past CA) expired on 2026-01-01T00:00:00Z, so guests with OpenSSL refuse it. A new one means new initdata, and new pods.",
    ]);
  });

  it("keeps its pod after a renewal by a CA that it trusts", () => {
    const issues = new Issues();
    const endpoint = {
      url: "https://kbs.example.com",
      certificate: ca,
      where: WHERE,
      urlFrom: "route",
    } as const;
    const soon = checkCertificate({ ...endpoint, served: leaf }, new Date("2099-12-25T00:00:00Z"), issues);
    expect(soon).toEqual([
      `trustee.certificateSecret: the certificate in ${WHERE} expires on 2100-01-01T00:00:00Z, in 7 days. No pod has to change for a new one.`,
      "trustee.certificateSecret: the CA's certificate that the guests trust (CN=Example Private CA) expires on 2100-01-01T00:00:00Z, in 7 days. A new one means new initdata, and new pods.",
    ]);
    checkCertificate({ ...endpoint, served: pem("leaf-expired") }, NOW, issues);
    expect(issues.found.map(({ fix }) => fix)).toEqual(["Renew it; no pod has to change."]);
  });
});
