import { readFileSync } from "node:fs";

/** A certificate made by test/fixtures/certificates/make-guests.sh, in PEM. */
export const guestCertificate = (name: string): string =>
  readFileSync(`test/fixtures/certificates/guests/${name}.pem`, "utf8");

/** A time at which all certificates not named `expired` are valid. */
export const NOW = new Date("2026-06-01T00:00:00Z");
