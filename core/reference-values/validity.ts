import type { Before } from "../policy/registry.ts";
import { own } from "../records.ts";
import { readDocument } from "./document.ts";
import type { Digests, Term } from "./ledger.ts";

/** Milliseconds. */
export const DAY = 86_400_000;
/** Days before their expiry on which entries are renewed and expiry is reported. */
export const NOTICE_DAYS = 30;

/** The validity of created entries in days: the default, and single ones. */
interface Validity {
  readonly validityDays: number;
  readonly validityDaysOf?: Readonly<Record<string, number>> | undefined;
}

function daysOf(name: string, { validityDays, validityDaysOf }: Validity): number {
  return own(validityDaysOf, name) ?? validityDays;
}

/** `%Y-%m-%dT%H:%M:%SZ`, in whole seconds. */
function stamp(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

/** Milliseconds before its expiry from which an entry is renewed: at most half its validity. */
function notice(days: number): number {
  return Math.min(NOTICE_DAYS, days / 2) * DAY;
}

/** Entry -> its next expiration, and when that is due. It is due at once if the wanted validity changed. */
export function termsOf(
  names: readonly string[],
  want: Validity,
  old: Validity | undefined,
  now: Date,
): Readonly<Record<string, Term>> {
  const time = now.getTime();
  return Object.fromEntries(
    names.map((name): [string, Term] => {
      const days = daysOf(name, want);
      const other = old !== undefined && daysOf(name, old) !== days;
      const renewBefore = other ? "9999" : stamp(time + notice(days));
      return [name, { expiration: stamp(time + days * DAY), renewBefore }];
    }),
  );
}

/**
 * Entry -> its expiration, for entries with wanted digests; the earliest of several with the same name.
 * @param key determines the format
 * @throws UserError if the content is malformed
 */
export function expiriesOf(key: string, content: Before, wanted: Digests): Record<string, string> {
  const { entries } = readDocument(key, content);
  const used = Object.keys(wanted).filter((name) => (own(wanted, name) ?? []).length > 0);
  return Object.fromEntries(
    used.flatMap((name): [string, string][] => {
      const [first] = entries
        .filter((entry) => entry.name === name)
        .map((entry) => entry.expiration)
        .sort();
      return first === undefined ? [] : [[name, first]];
    }),
  );
}
