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

describe("trustee.certificateAuthority", () => {
  it.each([ca, `# the root\n${ca}`, ca + ca, ca.trim(), "public"])("accepts %j", (certificateAuthority) => {
    expect(problems({ certificateAuthority })).toEqual([]);
  });

  it("accepts a file, and refuses a file and a value", () => {
    expect(problems({ certificateAuthorityFile: "ca.pem" })).toEqual([]);
    expect(problems({ certificateAuthorityFile: "ca.pem", certificateAuthority: "public" })).toEqual([
      "trustee.certificateAuthorityFile: a file in addition to trustee.certificateAuthority",
    ]);
  });

  it.each(["", "Public", "ca.pem", "MIIB", KEY, ca + KEY, KEY + ca, ca.replace("M", "!")])(
    "refuses %j without showing it",
    (certificateAuthority) => {
      expect(problems({ certificateAuthority })).toEqual([
        "trustee.certificateAuthority: a text that is neither, and is not shown here",
      ]);
    },
  );
});
