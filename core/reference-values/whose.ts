import type { Before } from "../policy/registry.ts";
import { own } from "../records.ts";
import { readDocument, type Entry, type ReferenceValuesDocument } from "./document.ts";
import type { Ledger, TheirEntry } from "./ledger.ts";

/** Which values in the entries of one name are ours. */
export interface Whose {
  /** Our values in each entry, in the order of the entries. */
  readonly ours: readonly ReadonlySet<string>[];
  /** The entry that this project created, if it still exists. */
  readonly made?: Entry;
}

/** The entries of a text; undefined if it cannot be read. */
export function soundEntries(key: string, text: Before): ReferenceValuesDocument["entries"] | undefined {
  try {
    return readDocument(key, text).entries;
  } catch {
    return undefined;
  }
}

/** An entry that this project created, as it was then. */
function madeAlone(created: { readonly expiration: string } | undefined): readonly TheirEntry[] {
  return created === undefined ? [] : [{ expiration: created.expiration, values: [], made: true }];
}

/** Entry name -> its entries at our last write, without our values; undefined: unknown. */
export type Theirs = (name: string) => readonly TheirEntry[] | undefined;

/** From the original text. Since then, this project has only added the entries in `created`. */
export function theirsBefore(
  key: string,
  before: Before | undefined,
  created: Readonly<Record<string, { readonly expiration: string }>>,
): Theirs {
  let entries: ReturnType<typeof soundEntries>;
  return (name) => {
    if (before === undefined) return undefined;
    entries ??= soundEntries(key, before);
    if (entries === undefined) return undefined;
    const theirs = entries.filter((entry) => entry.name === name);
    return [
      ...theirs.map(({ expiration, values }) => ({ expiration, values })),
      ...madeAlone(own(created, name)),
    ];
  };
}

/** From the ledger: what others changed since, else the original text. */
export function theirsOf(key: string, { before, theirs, created }: Ledger): Theirs {
  const first = theirsBefore(key, before, created);
  return (name) => own(theirs, name) ?? first(name);
}

/** How likely a live entry is a remembered one, by its values and expiration. 0: not at all. */
function likeness(entry: Entry, known: TheirEntry, added: readonly string[]): number {
  const lacks = new Set(known.lacks);
  const expected = new Set([...known.values, ...added.filter((digest) => !lacks.has(digest))]);
  const found = new Set(entry.values);
  const kept = [...expected].filter((value) => found.has(value)).length;
  const all = expected.size + found.size - kept;
  const still = expected.size === 0 ? 0 : (2 * kept) / expected.size;
  return still + (all === 0 ? 0 : kept / all) + (entry.expiration === known.expiration ? 1 : 0);
}

/** Live entry -> the remembered entry that it matches, best matches first. Each is used once. */
function recognised(
  present: readonly Entry[],
  known: readonly TheirEntry[],
  added: readonly string[],
): ReadonlyMap<Entry, TheirEntry> {
  const pairs = present
    .flatMap((entry) => known.map((one) => ({ entry, one, sure: likeness(entry, one, added) })))
    .filter(({ sure }) => sure > 0)
    .sort((a, b) => b.sure - a.sure);
  const found = new Map<Entry, TheirEntry>();
  const taken = new Set<TheirEntry>();
  for (const { entry, one } of pairs) {
    if (found.has(entry) || taken.has(one)) continue;
    found.set(entry, one);
    taken.add(one);
  }
  return found;
}

/**
 * Decides which values in the live entries of one name are ours. Others add, remove and edit entries, so
 * positions prove nothing: each live entry is compared with what we left. A digest in `added` is foreign if
 * the entry had it without us, or if the entry is new.
 * @param added our digests in any of the entries
 * @param known the entries without our values; undefined: unknown, so all of `added` is ours
 * @param created the entry of that name that this project created
 */
export function whoseValues(
  present: readonly Entry[],
  added: readonly string[],
  known: readonly TheirEntry[] | undefined,
  created: { readonly expiration: string } | undefined,
): Whose {
  const all = new Set(added);
  const found = recognised(present, known ?? madeAlone(created), added);
  const ours = present.map((entry) => {
    if (known === undefined) return all;
    const one = found.get(entry);
    if (one === undefined) return new Set<string>();
    const theirs = new Set(one.values);
    return new Set(added.filter((digest) => !theirs.has(digest)));
  });
  const made = created && present.find((entry) => found.get(entry)?.made === true);
  return { ours, ...(made === undefined ? {} : { made }) };
}
