import { own } from "../core/records.ts";
import { shownName } from "../core/shown.ts";
import { expirySeconds } from "../core/reference-values/document.ts";
import { DAY, NOTICE_DAYS } from "../core/reference-values/validity.ts";
import type { Operation } from "./resource.ts";

/**
 * Warns of entries that have expired, expire soon or have an unreadable expiration, except those that this
 * stack renews.
 * @param created entry -> the expiration that this stack gave it
 */
export function warnOfExpiry(
  { log, clock }: Pick<Operation, "log" | "clock">,
  configMap: string,
  expiries: Readonly<Record<string, string>>,
  created: Readonly<Record<string, string>>,
): void {
  const now = clock.now().getTime();
  for (const [name, expiration] of Object.entries(expiries)) {
    if (own(created, name) === expiration) continue;
    const left = (expirySeconds(expiration) ?? Number.NaN) * 1000 - now;
    const place = `The reference value "${name}" in ConfigMap "${configMap}"`;
    const renew =
      "This stack did not create it, so it does not renew it: set a later expiration there by hand.";
    if (Number.isNaN(left)) {
      log.warn(
        `${place} has an expiration that is not a time: no pod that needs it attests. Correct it there by hand.`,
      );
    } else if (left <= 0) {
      log.warn(
        `${place} has expired (${shownName(expiration)}). It still matches: Trustee ignores the expiration. ${renew}`,
      );
    } else if (left < NOTICE_DAYS * DAY) {
      log.warn(`${place} expires in ${Math.floor(left / DAY)} days (${shownName(expiration)}). ${renew}`);
    }
  }
}
