import { byName, isRecord, mapValues, own, parseJson } from "../records.ts";
import type { Before } from "../policy/registry.ts";

/** Entry name (`snp_pcr08`) -> the digests in it, lower-case hex. */
export type Digests = Readonly<Record<string, readonly string[]>>;

/** An entry that this project created. */
export interface CreatedEntry {
  /** Who renews it: the one that made it, or after that one has gone, another that uses it. */
  readonly owner: string;
  /** `%Y-%m-%dT%H:%M:%SZ` */
  readonly expiration: string;
}

/** An entry of the reference values as it would be without us. */
export interface TheirEntry {
  readonly expiration: string;
  readonly values: readonly string[];
  /** One of us created it; its values are those that others have put into it since. */
  readonly made?: true;
  /** What of {@link Ledger.added} was not in it: others added the entry after that. */
  readonly lacks?: readonly string[];
}

/**
 * What this project has done to one key of the reference values, kept on the ConfigMap itself and written together with
 * its data. All stacks on a Trustee so know what the others put in, and a run that was killed between its write and
 * the saving of its state is not forgotten.
 */
export interface Ledger {
  /** The key's content before our first write. Absent if it was too long to be kept here: then only the states know. */
  readonly before?: Before;
  /** The digests that one of us has added to an entry of that name. */
  readonly added: Digests;
  readonly created: Readonly<Record<string, CreatedEntry>>;
  /**
   * Entry name -> what the entries of that name were without us at our last write, in their order; only where `before` does
   * not say it. A ledger without this field is of a release that called the second entry of a name `name (2)`, the third
   * `name (3)`: {@link ./recall.ts} reads it.
   */
  readonly theirs?: Readonly<Record<string, readonly TheirEntry[]>>;
  /** Who (resource URN) wants which of the added digests. */
  readonly owners: Readonly<Record<string, Digests>>;
  /** Who wants which of these only until a change of initdata is done. @default nobody */
  readonly retiring?: Readonly<Record<string, readonly string[]>>;
}

export const EMPTY_LEDGER: Ledger = { added: {}, created: {}, owners: {} };

/** The annotation that holds the ledgers of all keys, JSON. */
export const REFERENCE_VALUES_LEDGER_ANNOTATION = "trustee-access/reference-values";

/** Annotations reach 256 KiB in all: a longer text from before is remembered by the states alone. Characters. */
export const LONGEST_BEFORE = 65_536;

/** Whether a text from before is kept in the ledger. */
export function isKept(before: Before | undefined): before is Before {
  return before === null || (before !== undefined && before.length <= LONGEST_BEFORE);
}

function isDigests(value: unknown): value is Digests {
  return (
    isRecord(value) &&
    Object.values(value).every((list) => Array.isArray(list) && list.every((one) => typeof one === "string"))
  );
}

function isCreated(value: unknown): value is CreatedEntry {
  return isRecord(value) && typeof value["owner"] === "string" && typeof value["expiration"] === "string";
}

function isTheirEntry(value: unknown): value is TheirEntry {
  if (!isRecord(value)) return false;
  const { expiration, values, made } = value;
  return typeof expiration === "string" && isDigests({ values }) && (made === undefined || made === true);
}

function isTheirs(value: unknown): value is NonNullable<Ledger["theirs"]> {
  return (
    isRecord(value) && Object.values(value).every((list) => Array.isArray(list) && list.every(isTheirEntry))
  );
}

function isLedger(value: unknown): value is Ledger {
  if (!isRecord(value)) return false;
  const { before, added, created, theirs, owners, retiring } = value;
  return (
    (theirs === undefined || isTheirs(theirs)) &&
    (before === undefined || before === null || typeof before === "string") &&
    isDigests(added) &&
    isRecord(created) &&
    Object.values(created).every(isCreated) &&
    isRecord(owners) &&
    Object.values(owners).every(isDigests) &&
    (retiring === undefined || isDigests(retiring))
  );
}

/** The ledgers in an annotation, by key; what was damaged by hand counts as none, then the states remember. */
export function readLedgers(annotation: string | undefined): Readonly<Record<string, Ledger>> {
  const ledgers = parseJson(annotation ?? "{}");
  if (!isRecord(ledgers)) return {};
  return Object.fromEntries(
    Object.entries(ledgers).filter((entry): entry is [string, Ledger] => isLedger(entry[1])),
  );
}

/** The ledger with an owner under the name that it has now. @param was whether one is this owner by a previous name */
export function renameOwner(ledger: Ledger, was: (owner: string) => boolean, owner: string): Ledger {
  const { owners, retiring, created } = ledger;
  if (![...Object.keys(owners), ...Object.values(created).map((entry) => entry.owner)].some(was))
    return ledger;
  const now = (one: string): string => (was(one) ? owner : one);
  const digests = Object.entries(owners).reduce<Record<string, Digests>>((all, [one, wanted]) => {
    const known = own(all, now(one)) ?? {};
    const merged = Object.entries(wanted).map(([slot, list]): [string, readonly string[]] => [
      slot,
      [...new Set([...(own(known, slot) ?? []), ...list])],
    ]);
    return { ...all, [now(one)]: { ...known, ...Object.fromEntries(merged) } };
  }, {});
  const held = Object.entries(retiring ?? {}).reduce<Record<string, readonly string[]>>(
    (all, [one, list]) => ({ ...all, [now(one)]: [...new Set([...(own(all, now(one)) ?? []), ...list])] }),
    {},
  );
  return {
    ...ledger,
    owners: digests,
    created: Object.fromEntries(
      Object.entries(created).map(([name, entry]) => [name, { ...entry, owner: now(entry.owner) }]),
    ),
    ...(retiring === undefined ? {} : { retiring: held }),
  };
}

/** The same with the keys of every object in order, so that equal ledgers give equal bytes. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isRecord(value)) return value;
  return mapValues(Object.fromEntries(Object.entries(value).sort(byName)), ordered);
}

/** The annotation for the ledgers; `null` (remove it) where nobody has anything in any key. */
export function writeLedgers(ledgers: Readonly<Record<string, Ledger>>): string | null {
  const kept = Object.entries(ledgers)
    .filter(([, ledger]) => Object.keys(ledger.owners).length > 0)
    .map(([key, { before, theirs, ...ledger }]): [string, Ledger] => {
      const long = theirs !== undefined && JSON.stringify(theirs).length > LONGEST_BEFORE;
      const short = {
        ...(isKept(before) ? { before } : {}),
        ...(theirs === undefined ? {} : { theirs: long ? {} : theirs }),
      };
      return [key, { ...ledger, ...short }];
    });
  return kept.length === 0 ? null : JSON.stringify(ordered(Object.fromEntries(kept)));
}
