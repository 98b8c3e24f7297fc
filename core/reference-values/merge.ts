import type { Before } from "../policy/registry.ts";
import { byName, own } from "../records.ts";
import { comparable, isWritable, readDocument, type Entry } from "./document.ts";
import { mergeEntry, unique } from "./entry-merge.ts";
import {
  EMPTY_LEDGER,
  selected,
  writeLedgers,
  type CreatedEntry,
  type Digests,
  type JoinRequest,
  type Ledger,
  type Ownership,
  type Term,
  type TheirEntry,
} from "./ledger.ts";
import { digestsByName, recall, unlikeBefore, withState } from "./recall.ts";
import { theirsOf } from "./whose.ts";

export type { Digests, JoinRequest, Ownership } from "./ledger.ts";

const NO_TERM: Term = { expiration: "", renewBefore: "" };

export interface Joined {
  /** `null` only if there was no key and nothing is wanted. */
  readonly content: Before;
  readonly ledger: Ledger;
  readonly ownership: Ownership;
}

/** A record with sorted keys and without empty lists, so equal ownership gives equal state. */
function tidy(digests: readonly (readonly [string, readonly string[]])[]): Digests {
  const entries = digests.filter(([, list]) => list.length > 0);
  return Object.fromEntries(entries.toSorted(byName));
}

function retiringOfOthers({ retiring = {} }: Ledger, owner: string): Pick<Ledger, "retiring"> {
  const { [owner]: _, ...others } = retiring;
  return Object.keys(others).length === 0 ? {} : { retiring: others };
}

interface Change extends Pick<JoinRequest, "key" | "live" | "owner" | "wanted" | "terms"> {
  /** From {@link recall}. */
  readonly known: Ledger;
  /** Only remove: add, renew and create nothing. @default false */
  readonly takeOnly?: boolean;
}

interface Changed {
  readonly content: Before;
  readonly ledger: Ledger;
  /** The part of the ledger's digests that this owner wants. */
  readonly mine: Digests;
}

/** Merges what an owner wants into document and ledger, entry by entry. */
function changed({ key, live, owner, wanted, terms, known, takeOnly = false }: Change): Changed {
  const theirs = theirsOf(key, known);
  let document = readDocument(key, live);
  const read = document.text;
  const added = new Map<string, readonly string[]>();
  const mine = new Map<string, readonly string[]>();
  const created = new Map<string, CreatedEntry>();
  const others = new Map<string, readonly TheirEntry[]>();
  for (const name of unique([known.added, known.created, wanted].flatMap(Object.keys)).sort()) {
    const result = mergeEntry(document, known, {
      ...(own(terms, name) ?? NO_TERM),
      name,
      digests: unique(own(wanted, name) ?? []),
      owner,
      takeOnly,
      known: theirs(name),
    });
    document = result.document;
    added.set(name, result.added);
    mine.set(name, result.mine);
    if (result.created !== undefined) created.set(name, result.created);
    if (result.added.length > 0 || result.created !== undefined) others.set(name, result.theirs);
  }
  const ours = tidy([...mine]);
  // If only others changed an entry of ours, the record stays until the entry is written again.
  const same = document.text === read;
  // An owner that wants nothing stays in the record until it leaves: its state may still know what it had.
  // One that only turned a single text into a list stays too: the record holds the original text.
  const there = Object.hasOwn(known.owners, owner) || Object.keys(ours).length > 0 || !(same || takeOnly);
  const owners = there ? { ...known.owners, [owner]: ours } : known.owners;
  const recorded = new Map(
    same ? Object.entries(known.theirs ?? {}).filter(([name]) => others.has(name)) : others,
  );
  const ledger = { added: tidy([...added]), created: Object.fromEntries(created), owners };
  const before = known.before === undefined ? {} : { before: known.before };
  return {
    // An unchanged document is the live text itself, even if that was blank or missing.
    content: same ? live : document.text,
    ledger: {
      ...before,
      ...ledger,
      theirs: unlikeBefore(key, recorded, known.before, ledger.created),
      ...retiringOfOthers(known, owner),
    },
    mine: ours,
  };
}

/** The text without the digests of any of our owners. */
function withoutUs(key: string, live: Before, known: Ledger): Before {
  const nobody = { ...known, owners: {} };
  return changed({ key, live, owner: "", wanted: {}, terms: {}, known: nobody, takeOnly: true }).content;
}

/** The ledger after a change. An older release's ledger stays if only its form would change. */
function ledgerAfter(request: JoinRequest, ledger: Ledger, content: Before): Ledger {
  const { ledger: had, live } = request;
  if (had.theirs !== undefined || Object.keys(had.owners).length === 0 || content !== live) return ledger;
  const text = (one: Ledger): string | null => writeLedgers({ ledger: one });
  return text(recall({ ...request, remembered: undefined })) === text(ledger) ? had : ledger;
}

/**
 * Merges `wanted` into every entry of its name: live - own stale + own new. Values that others added stay,
 * also when we leave.
 * @throws UserError if the live text is malformed; do not write then
 * @throws Error if a new entry has no well-formed expiration in `terms`
 */
export function joinReferenceValues(request: JoinRequest): Joined {
  const { key, live, owner } = request;
  const known = recall(request);
  const { content, ledger, mine } = changed({ ...request, known });
  const kept = Object.entries(ledger.created).filter(([, entry]) => entry.owner === owner);
  return {
    content,
    ledger: ledgerAfter(request, ledger, content),
    ownership: {
      added: mine,
      created: Object.fromEntries(kept.map(([name, entry]) => [name, entry.expiration])),
      before: known.before === undefined ? withoutUs(key, live, known) : known.before,
    },
  };
}

type Reduction = Pick<JoinRequest, "key" | "live" | "ledger" | "owner" | "remembered">;

/**
 * Removes some of an owner's digests, and changes nothing else.
 * @param stays which digests to keep
 * @throws UserError if the live text is malformed; do not write then
 */
export function reduceReferenceValues(
  request: Reduction,
  stays: (digest: string) => boolean,
): Pick<Joined, "content" | "ledger"> {
  const known = recall({ ...request, wanted: {}, terms: {} });
  const wanted = selected(own(known.owners, request.owner) ?? {}, stays);
  const { content, ledger } = changed({ ...request, wanted, terms: {}, known, takeOnly: true });
  return { content, ledger };
}

/**
 * The entries that cannot hold the wanted digests: their value is no list, or they cannot be read.
 * @throws UserError if the content is malformed
 */
export function unwritableEntries(key: string, content: Before, wanted: Digests): readonly Entry[] {
  const isWanted = (name: string): boolean => (own(wanted, name) ?? []).length > 0;
  return readDocument(key, content).entries.filter((entry) => isWanted(entry.name) && !isWritable(entry));
}

interface ThereIn {
  /** The names of its entries. */
  readonly names: ReadonlySet<string>;
  /** Those of these digests that an entry of their name has. */
  readonly of: (digests: Digests) => Digests;
}

function thereIn(key: string, live: Before): ThereIn {
  const { entries } = readDocument(key, live);
  const names = new Set(entries.map(({ name }) => name));
  const isThere = (digest: string, name: string): boolean =>
    entries.some((entry) => entry.name === name && entry.values.includes(digest));
  const of = (digests: Digests): Digests =>
    tidy(Object.entries(selected(digestsByName(digests, [...names]), isThere)));
  return { names, of };
}

/**
 * The part of a ledger that is also in another document. After an upgrade of Trustee, the administrator may
 * have converted the old document, with our digests, into the new format.
 * @param key of the other document
 * @param live its content
 * @param previous the ledger of the old document
 * @throws UserError if the content is malformed
 */
export function carriedLedger(key: string, live: Before, previous: Ledger): Ledger {
  const { names, of } = thereIn(key, live);
  const owners = Object.entries(previous.owners).map(([owner, digests]) => [owner, of(digests)] as const);
  const kept = Object.fromEntries(owners.filter(([, digests]) => Object.keys(digests).length > 0));
  if (Object.keys(kept).length === 0) return EMPTY_LEDGER;
  const { retiring } = previous;
  const known: Ledger = {
    added: of(previous.added),
    created: Object.fromEntries(Object.entries(previous.created).filter(([name]) => names.has(name))),
    owners: kept,
    theirs: {},
    ...(retiring === undefined ? {} : { retiring }),
  };
  return { ...known, before: withoutUs(key, live, known) };
}

/**
 * The same for one owner, from its state, if the ledger of the old document was lost.
 * @param key of the other document
 * @param live its content
 * @param ledger its ledger
 * @throws UserError if the content is malformed
 */
export function carriedOver(key: string, live: Before, ledger: Ledger, had: Ownership): Ownership {
  const { names, of } = thereIn(key, live);
  const added = of(had.added);
  const created = Object.fromEntries(Object.entries(had.created).filter(([name]) => names.has(name)));
  // The remembered text has the old key's format. The new document's has the digests of all our owners in it.
  const { before: _, ...known } = withState(key, ledger, "", { added, created, before: live });
  return { added, created, before: withoutUs(key, live, { ...known, theirs: {} }) };
}

/**
 * Removes what this owner added and no other owner wants. If that leaves the original content, the original
 * text is restored byte for byte (`null`: the key did not exist).
 * @throws UserError if the live text is malformed
 */
export function leaveReferenceValues(
  request: Pick<JoinRequest, "key" | "ledger" | "owner"> & {
    readonly live: string;
    /** What this owner's state remembers. */
    readonly remembered: Ownership;
  },
): { readonly content: Before; readonly ledger: Ledger } {
  const { content, ledger } = reduceReferenceValues(request, () => false);
  const { [request.owner]: _, ...owners } = ledger.owners;
  if (Object.keys(owners).length > 0) return { content, ledger: { ...ledger, owners } };
  const before = ledger.before === undefined ? request.remembered.before : ledger.before;
  return { content: restored(request.key, content, before), ledger: EMPTY_LEDGER };
}

function restored(key: string, content: Before, before: Before): Before {
  try {
    return comparable(readDocument(key, content)) === comparable(readDocument(key, before))
      ? before
      : content;
  } catch {
    return content;
  }
}
