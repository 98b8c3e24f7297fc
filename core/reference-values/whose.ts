import type { Before } from "../policy/registry.ts";
import { own } from "../records.ts";
import { readDocument, type Entry, type ReferenceValuesDocument } from "./document.ts";
import type { Ledger, TheirEntry } from "./ledger.ts";

/** Whose what is in the entries of one name. */
export interface Whose {
  /** What in each of them is ours, in their order. */
  readonly ours: readonly ReadonlySet<string>[];
  /** The one that one of us created, if it is still there. */
  readonly made?: Entry;
}

/** The entries of a text; undefined for one that cannot be read. */
export function soundEntries(key: string, text: Before): ReferenceValuesDocument["entries"] | undefined {
  try {
    return readDocument(key, text).entries;
  } catch {
    return undefined;
  }
}

/** An entry that one of us created, as it was then. */
function madeAlone(created: { readonly expiration: string } | undefined): readonly TheirEntry[] {
  return created === undefined ? [] : [{ expiration: created.expiration, values: [], made: true }];
}

/** Entry name -> what the entries of that name were without us at our last write; undefined: nobody knows. */
export type Theirs = (name: string) => readonly TheirEntry[] | undefined;

/** By the text from before our first write, to which we have added no entry but those that we created. */
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

/** By the ledger: what others have changed since, else the text from before. */
export function theirsOf(key: string, { before, theirs, created }: Ledger): Theirs {
  const first = theirsBefore(key, before, created);
  return (name) => own(theirs, name) ?? first(name);
}

/** How surely a live entry is a remembered one: by what is still in it, and its expiration. 0: not at all. */
function likeness(entry: Entry, known: TheirEntry, added: readonly string[]): number {
  const lacks = new Set(known.lacks);
  const expected = new Set([...known.values, ...added.filter((digest) => !lacks.has(digest))]);
  const found = new Set(entry.values);
  const kept = [...expected].filter((value) => found.has(value)).length;
  const all = expected.size + found.size - kept;
  const still = expected.size === 0 ? 0 : (2 * kept) / expected.size;
  return still + (all === 0 ? 0 : kept / all) + (entry.expiration === known.expiration ? 1 : 0);
}

/** Live entry -> the remembered one that it is; each at most once, the surest first. */
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
 * Whose the values in the live entries of one name are. Others put entries before and behind, take some out and edit them, so
 * that no place says it: each live entry is compared with what we left there. Of `added`, what such an entry had without us is
 * somebody else's, and so is all in an entry that was not there then.
 * @param added digests that are ours in any of the entries
 * @param known what the entries were without us; undefined: nobody knows, so that all of `added` is ours
 * @param created the entry of the name that one of us created
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
