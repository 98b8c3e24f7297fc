import { z } from "zod";
import { asRecord, byName, getOrAdd, isRecord, mapValues, own, parseJson } from "../records.ts";
import type { Before } from "../policy/registry.ts";

/** Entry name (`snp_pcr08`) -> the digests in it, lower-case hex. */
export type Digests = Readonly<Record<string, readonly string[]>>;

/** An entry that this project created. */
export interface CreatedEntry {
  /** The owner that renews it: its creator or, once that has left, another owner that uses it. */
  readonly owner: string;
  /** `%Y-%m-%dT%H:%M:%SZ` */
  readonly expiration: string;
}

/** An entry of the reference values without our digests. */
export interface TheirEntry {
  readonly expiration: string;
  readonly values: readonly string[];
  /** This project created the entry; `values` are what others added since. */
  readonly made?: true;
  /** The part of {@link Ledger.added} that was not in it, because others added the entry later. */
  readonly lacks?: readonly string[];
}

/**
 * What this project did to one key of the reference values. It is stored on the ConfigMap and written
 * together with its data. This tells every stack what the others added, and survives a run that was killed
 * before it saved its state.
 */
export interface Ledger {
  /** The key's original content. Absent if it was too long: then only the states have it. */
  readonly before?: Before;
  /** Entry name -> the digests that this project added. */
  readonly added: Digests;
  readonly created: Readonly<Record<string, CreatedEntry>>;
  /**
   * Entry name -> its entries at our last write without our digests, in order; only if they differ from
   * `before`. A ledger without this field is from an older release, which named the second entry of a name
   * `name (2)`: {@link ./recall.ts} reads it.
   */
  readonly theirs?: Readonly<Record<string, readonly TheirEntry[]>>;
  /** Owner (resource URN) -> the added digests that it wants. */
  readonly owners: Readonly<Record<string, Digests>>;
  /** Owner -> its digests that stay only for the grace period. @default nobody */
  readonly retiring?: Readonly<Record<string, readonly string[]>>;
}

export const EMPTY_LEDGER: Ledger = { added: {}, created: {}, owners: {} };

/** The annotation with the ledgers of all keys, JSON. */
export const REFERENCE_VALUES_LEDGER_ANNOTATION = "trustee-access/reference-values";

/**
 * The maximum length of an original text in the ledger, since all annotations share 256 KiB. Only the states
 * keep longer ones. Characters.
 */
export const LONGEST_BEFORE = 65_536;

/** Whether the ledger keeps an original text. */
export function isKept(before: Before | undefined): before is Before {
  return before === null || (before !== undefined && before.length <= LONGEST_BEFORE);
}

const digestsSchema = z.record(z.string(), z.array(z.string()));
const ledgerSchema = z.object({
  before: z.string().nullish(),
  added: digestsSchema,
  created: z.record(z.string(), z.object({ owner: z.string(), expiration: z.string() })),
  theirs: z
    .record(
      z.string(),
      z.array(
        z.object({
          expiration: z.string(),
          values: z.array(z.string()),
          made: z.literal(true).optional(),
        }),
      ),
    )
    .optional(),
  owners: z.record(z.string(), digestsSchema),
  retiring: digestsSchema.optional(),
});

function isLedger(value: unknown): value is Ledger {
  return ledgerSchema.safeParse(value).success;
}

/** The ledgers in an annotation, by key. A damaged one counts as empty; the states then supply it. */
export function readLedgers(annotation: string | undefined): Readonly<Record<string, Ledger>> {
  const ledgers = parseJson(annotation ?? "{}");
  if (!isRecord(ledgers)) return {};
  return Object.fromEntries(
    Object.entries(ledgers).filter((entry): entry is [string, Ledger] => isLedger(entry[1])),
  );
}

/** All digests of several, by entry and without duplicates. */
export function unionOf(...all: readonly Digests[]): Digests {
  const names = new Map<string, Set<string>>();
  for (const [name, digests] of all.flatMap(Object.entries<readonly string[]>)) {
    const found = getOrAdd(names, name, () => new Set<string>());
    for (const digest of digests) found.add(digest);
  }
  return asRecord(names, (digests) => [...digests]);
}

/** The digests that a test selects, without empty entries. */
export function selected(digests: Digests, isWanted: (digest: string, name: string) => boolean): Digests {
  const kept = mapValues(digests, (list, name) => list.filter((digest) => isWanted(digest, name)));
  return Object.fromEntries(Object.entries(kept).filter(([, list]) => list.length > 0));
}

/** The ledger with an owner's new name. @param was whether a name is this owner's previous one */
export function renameOwner(ledger: Ledger, was: (owner: string) => boolean, owner: string): Ledger {
  const { owners, retiring, created } = ledger;
  if (![...Object.keys(owners), ...Object.values(created).map((entry) => entry.owner)].some(was))
    return ledger;
  const now = (one: string): string => (was(one) ? owner : one);
  const renamed = Object.entries(owners).reduce<Record<string, Digests>>(
    (all, [one, wanted]) => ({ ...all, [now(one)]: unionOf(own(all, now(one)) ?? {}, wanted) }),
    {},
  );
  const held = Object.entries(retiring ?? {}).map(([one, list]) => ({ [now(one)]: list }));
  return {
    ...ledger,
    owners: renamed,
    created: mapValues(created, (entry) => ({ ...entry, owner: now(entry.owner) })),
    ...(retiring === undefined ? {} : { retiring: unionOf(...held) }),
  };
}

/** The same with sorted keys, so equal ledgers give equal bytes. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isRecord(value)) return value;
  return mapValues(Object.fromEntries(Object.entries(value).sort(byName)), ordered);
}

/** The annotation for the ledgers; `null` (remove it) if all are empty. */
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

/** What a resource's state remembers. It replaces a lost ledger. */
export interface Ownership {
  /** The digests of this resource that this project added. */
  readonly added: Digests;
  /** The entries that this resource keeps from expiring -> the expiration it set. */
  readonly created: Readonly<Record<string, string>>;
  /** The key's original content. */
  readonly before: Before;
}

/** The validity of an entry of ours. */
export interface Term {
  /** For an entry that is created or renewed, `%Y-%m-%dT%H:%M:%SZ`. */
  readonly expiration: string;
  /** An entry of this owner that expires before this time is renewed; empty: never. Same format. */
  readonly renewBefore: string;
}

export interface JoinRequest {
  /** Determines the format. */
  readonly key: string;
  /** The key's content; `null`: no such key. */
  readonly live: Before;
  readonly ledger: Ledger;
  /** The resource that wants the digests. */
  readonly owner: string;
  readonly wanted: Digests;
  /** By entry, for wanted entries. */
  readonly terms: Readonly<Record<string, Term>>;
  /** What this owner's state remembers; absent on its first write. */
  readonly remembered?: Ownership | undefined;
}
