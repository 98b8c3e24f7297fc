import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { renderInitdata } from "../../../core/initdata/initdata.ts";
import { Issues } from "../../../core/issues.ts";
import { checkCertificate, type ServedEndpoint } from "../../../core/preflight/certificate.ts";

/** A certificate made by test/fixtures/certificates/make-guests.sh, in PEM. */
export const guestCertificate = (name: string): string =>
  readFileSync(`test/fixtures/certificates/guests/${name}.pem`, "utf8");

/** A time at which all certificates not named `expired` are valid. */
export const NOW = new Date("2026-06-01T00:00:00Z");

/** The generated initdata for a KBS at kbs.example.com with this certificate. */
export const initdataWith = (certificate: string): string =>
  renderInitdata({
    ...{ algorithm: "sha256", claims: {}, url: "https://kbs.example.com", certificate },
    agentPolicy: { logs: true, allowedCommands: [] },
  });

/** What a check refuses and warns of, for the host kbs.example.com of the settings unless given otherwise. */
export function checked(where: string, on: Partial<ServedEndpoint>, now = NOW): readonly string[] {
  const issues = new Issues();
  const endpoint = {
    url: "https://kbs.example.com",
    certificate: undefined,
    where,
    urlFrom: "setting",
  } as const;
  const warnings = checkCertificate({ ...endpoint, ...on }, now, issues);
  for (const { allowed, fix } of issues.found) expect(`${allowed} ${fix}`).not.toContain("undefined");
  const refused = issues.found.map(({ path, given }) => `refused ${path}: ${given}`);
  return [...refused, ...warnings.map((warning) => `warned ${warning}`)];
}
