import type { Before } from "../policy/registry.ts";
import { byName, mapValues, own } from "../records.ts";
import {
  isKept,
  unionOf,
  type CreatedEntry,
  type Digests,
  type JoinRequest,
  type Ledger,
  type Ownership,
  type TheirEntry,
} from "./ledger.ts";
import { unique } from "./entry-merge.ts";
import { soundEntries, theirsBefore } from "./whose.ts";

/** `x (2)`: older releases' name for the second entry of the name x. */
const SLOT = /^([^]*) \(\d+\)$/;

type TheirsRecord = NonNullable<Ledger["theirs"]>;
type NameOf = (slot: string) => string;

/** @param names of entries, read lazily: an entry whose name looks like a slot is not one */
function nameOfSlot(names: () => readonly string[]): NameOf {
  let all: ReadonlySet<string> | undefined;
  return (slot) => {
    const name = SLOT.exec(slot)?.[1];
    if (name === undefined) return slot;
    all ??= new Set(names());
    return all.has(slot) || !all.has(name) ? slot : name;
  };
}

function namesOf(slots: Digests, nameOf: NameOf): Digests {
  return unionOf(...Object.entries(slots).map(([slot, digests]) => ({ [nameOf(slot)]: digests })));
}

/**
 * What an owner's state added, by entry name. An older release's state has slots.
 * @param names of entries
 */
export function digestsByName(slots: Digests, names: readonly string[]): Digests {
  return namesOf(
    slots,
    nameOfSlot(() => names),
  );
}

/**
 * The entries without our digests, from a ledger with slots. A slot overrides the original text: after an
 * upgrade of Trustee, that text contained our digests.
 */
function theirsBySlot(key: string, { before, added, created }: Ledger, nameOf: NameOf): TheirsRecord {
  const first = theirsBefore(key, before, created);
  const names = unique(Object.keys(added).map(nameOf));
  const cleaned = new Map<string, readonly TheirEntry[]>();
  for (const name of names) {
    const entries = first(name)?.map((entry, index) => {
      const ours = new Set(own(added, index === 0 ? name : `${name} (${index + 1})`));
      return { ...entry, values: entry.values.filter((value) => !ours.has(value)) };
    });
    if (entries !== undefined) cleaned.set(name, entries);
  }
  return unlikeBefore(key, cleaned, before, created);
}

/** A ledger in this release's form, and the reader of slot names. */
function upgraded({ key, live, wanted, ledger }: JoinRequest): {
  readonly ledger: Ledger;
  readonly nameOf: NameOf;
} {
  const texts = [live, ...(ledger.before === undefined ? [] : [ledger.before])];
  const nameOf = nameOfSlot(() => [
    ...texts.flatMap((text) => soundEntries(key, text) ?? []).map(({ name }) => name),
    ...Object.keys(ledger.created),
    ...Object.keys(wanted),
  ]);
  if (ledger.theirs !== undefined) return { ledger, nameOf };
  const named = {
    ...ledger,
    added: namesOf(ledger.added, nameOf),
    owners: mapValues(ledger.owners, (slots) => namesOf(slots, nameOf)),
    theirs: theirsBySlot(key, ledger, nameOf),
  };
  return { ledger: named, nameOf };
}

/**
 * The ledger, completed by the owner's state: the annotation may have been removed.
 * @param had by entry name
 */
export function withState(key: string, ledger: Ledger, owner: string, had: Ownership): Ledger {
  const mine = mapValues(had.created, (expiration): CreatedEntry => ({ owner, expiration }));
  const created = { ...mine, ...ledger.created };
  // Without the ledger, another owner may have taken our digests for foreign ones.
  const before = theirsBefore(key, had.before, created);
  const theirs = [had.added, had.created]
    .flatMap(Object.keys)
    .flatMap((name): [string, readonly TheirEntry[]][] => {
      const entries = before(name);
      return entries === undefined ? [] : [[name, entries]];
    });
  const first = Object.keys(ledger.owners).length === 0;
  return {
    ...ledger,
    before: first || ledger.before === undefined ? had.before : ledger.before,
    added: unionOf(ledger.added, had.added),
    created,
    theirs: { ...ledger.theirs, ...Object.fromEntries(theirs) },
    owners: { ...ledger.owners, [owner]: had.added },
  };
}

/** The ledger before a change, from annotation and state, in this release's form. */
export function recall(request: JoinRequest): Ledger {
  const { key, live, owner, remembered } = request;
  const { ledger, nameOf } = upgraded(request);
  const before = remembered === undefined ? {} : { before: remembered.before };
  if (own(ledger.owners, owner) === undefined && remembered !== undefined && hasAny(remembered)) {
    return withState(key, ledger, owner, { ...remembered, added: namesOf(remembered.added, nameOf) });
  }
  if (Object.keys(ledger.owners).length === 0) return { ...ledger, before: live, ...before, theirs: {} };
  return ledger.before === undefined ? { ...ledger, ...before } : ledger;
}

function hasAny({ added, created }: Ownership): boolean {
  return Object.keys(added).length > 0 || Object.keys(created).length > 0;
}

/** The part of `theirs` that differs from the original text in the ledger. */
export function unlikeBefore(
  key: string,
  theirs: ReadonlyMap<string, readonly TheirEntry[]>,
  before: Before | undefined,
  created: Ledger["created"],
): TheirsRecord {
  const known = theirsBefore(key, isKept(before) ? before : undefined, created);
  const other = [...theirs].filter(([name, list]) => JSON.stringify(known(name)) !== JSON.stringify(list));
  return Object.fromEntries(other.sort(byName));
}
