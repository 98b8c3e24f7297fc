import { describe, expect, it } from "vitest";
import { settingsIssues } from "../../fixtures/settings.ts";
import { guestCertificate } from "../preflight/guest-certificates.ts";

const ca = guestCertificate("ca");
const KEY = "-----BEGIN PRIVATE KEY-----\nhidden==\n-----END PRIVATE KEY-----\n";

function problems(trustee: Readonly<Record<string, unknown>>): readonly string[] {
  const found = settingsIssues({ trustee });
  expect(JSON.stringify(found)).not.toContain("hidden");
  return found.map(({ path, given }) => `${path}: ${given}`);
}

describe("the CA of the KBS's certificate", () => {
  it.each([ca, `# the root\n${ca}`, ca + ca, ca.trim(), "public"])("may be %j", (certificateAuthority) => {
    expect(problems({ certificateAuthority })).toEqual([]);
  });

  it("may be in a file, but not in both", () => {
    expect(problems({ certificateAuthorityFile: "ca.pem" })).toEqual([]);
    expect(problems({ certificateAuthorityFile: "ca.pem", certificateAuthority: "public" })).toEqual([
      "trustee.certificateAuthorityFile: a file in addition to trustee.certificateAuthority",
    ]);
  });

  it.each(["", "Public", "ca.pem", "MIIB", KEY, ca + KEY, KEY + ca, ca.replace("M", "!")])(
    "is not %j, which is not shown",
    (certificateAuthority) => {
      expect(problems({ certificateAuthority })).toEqual([
        "trustee.certificateAuthority: a text that is neither, and is not shown here",
      ]);
    },
  );
});
