import { describe, expect, it } from "vitest";
import { trustedCertificate } from "../../../core/preflight/authority.ts";
import { guestCertificate as pem, initdataWith } from "./guest-certificates.ts";

const [ca, otherCa, leaf, renewed] = [pem("ca"), pem("other-ca"), pem("leaf"), pem("leaf-renewed")];
const [intermediate, below] = [pem("intermediate"), pem("leaf-of-intermediate")];

describe("the certificate that guests trust", () => {
  it.each(["self-signed", "self-signed-plain", "self-signed-ca", "self-signed-client"])(
    "is a self-signed certificate itself, byte for byte, for any ca.crt: %s",
    (name) => {
      const served = pem(name);
      for (const secret of [undefined, "", served, ca])
        expect(trustedCertificate(served, { secret })).toBe(served);
      expect(trustedCertificate(served + ca, {})).toBe(served + ca);
    },
  );

  it("is the CA in ca.crt, also after a renewal of the certificate", () => {
    for (const served of [leaf, renewed, pem("leaf-expired"), leaf + ca]) {
      expect(trustedCertificate(served, { secret: ca })).toBe(ca);
    }
  });

  it("keeps the initdata when a certificate of that CA is renewed, and otherwise changes it", () => {
    const initdata = (served: string, secret?: string): string =>
      initdataWith(trustedCertificate(served, { secret }) ?? "");
    expect(initdata(renewed, ca)).toBe(initdata(leaf, ca));
    expect(initdata(renewed + ca)).toBe(initdata(leaf + ca));
    expect(initdata(pem("self-signed"))).not.toBe(initdata(pem("self-signed-plain")));
  });

  it("is the one in ca.crt that matches what is served: a guest reads only the first", () => {
    expect(trustedCertificate(leaf, { secret: otherCa + pem("ca-expired") + ca })).toBe(ca);
    expect(trustedCertificate(leaf, { secret: `Bag Attributes\n${ca}` })).toBe(ca);
  });

  it("is the root after the intermediate certificates, or one of these", () => {
    expect(trustedCertificate(below + intermediate, { secret: ca })).toBe(ca);
    expect(trustedCertificate(below, { secret: intermediate })).toBe(intermediate);
  });

  it("is the root that is served, if there is no matching ca.crt", () => {
    for (const secret of [undefined, "", otherCa, "MIIB"]) {
      expect(trustedCertificate(leaf + ca, { secret })).toBe(ca);
      expect(trustedCertificate(below + intermediate + ca, { secret })).toBe(ca);
    }
  });

  it("is the served certificate if there is nothing better", () => {
    for (const served of [leaf, leaf + otherCa, below + intermediate, ca, intermediate, ""]) {
      expect(trustedCertificate(served, { secret: otherCa })).toBe(served);
    }
  });

  it("is that of the setting, above all else", () => {
    expect(trustedCertificate(leaf, { setting: ca, secret: otherCa })).toBe(ca);
    expect(trustedCertificate(leaf, { setting: otherCa + ca, secret: ca })).toBe(ca);
    expect(trustedCertificate(leaf, { setting: otherCa + intermediate, secret: ca })).toBe(otherCa);
    expect(trustedCertificate(pem("self-signed"), { setting: ca })).toBe(ca);
    for (const served of [leaf, pem("self-signed"), ""]) {
      expect(trustedCertificate(served, { setting: "public", secret: ca })).toBeUndefined();
    }
  });
});
