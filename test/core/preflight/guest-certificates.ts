import { readFileSync } from "node:fs";

/** One of the certificates that test/fixtures/certificates/make-guests.sh makes, in PEM. */
export function guestCertificate(name: string): string {
  return readFileSync(`test/fixtures/certificates/guests/${name}.pem`, "utf8");
}

/** While all are valid that do not say `expired`. */
export const NOW = new Date("2026-06-01T00:00:00Z");
