import type { Before } from "../policy/registry.ts";
import { byName, own } from "../records.ts";
import { comparable, isWritable, readDocument, type Entry } from "./document.ts";
import { mergeEntry, unique } from "./entry-merge.ts";
import {
  EMPTY_LEDGER,
  writeLedgers,
  type CreatedEntry,
  type Digests,
  type Ledger,
  type TheirEntry,
} from "./ledger.ts";
import { digestsByName, recall, unlikeBefore, withState } from "./recall.ts";
import { theirsOf } from "./whose.ts";

export type { Digests } from "./ledger.ts";

/** What a resource's state remembers of what it did: it stands in where the ledger was lost. */
export interface Ownership {
  /** The digests of this resource that were not there before one of us added them. */
  readonly added: Digests;
  /** The entries that this resource keeps from expiring -> the expiration it gave them. */
  readonly created: Readonly<Record<string, string>>;
  /** The key's content before the first write. */
  readonly before: Before;
}

/** For how long an entry of ours holds. */
export interface Term {
  /** For one that has to be created or renewed, `%Y-%m-%dT%H:%M:%SZ`. */
  readonly expiration: string;
  /** One of this owner's that expires earlier than this is renewed; empty: never. Same format. */
  readonly renewBefore: string;
}

const NO_TERM: Term = { expiration: "", renewBefore: "" };

export interface JoinRequest {
  /** Which says the format. */
  readonly key: string;
  /** The key's content; `null`: no such key. */
  readonly live: Before;
  readonly ledger: Ledger;
  /** Who wants the digests. */
  readonly owner: string;
  readonly wanted: Digests;
  /** By entry, of those wanted. */
  readonly terms: Readonly<Record<string, Term>>;
  /** What this owner's state remembers; absent on its first write. */
  readonly remembered?: Ownership | undefined;
}

export interface Joined {
  /** `null` only where there was no key and nothing is wanted. */
  readonly content: Before;
  readonly ledger: Ledger;
  readonly ownership: Ownership;
}

/** A record with its keys in order and without empty lists: equal ownership gives equal state. */
function tidy(digests: readonly (readonly [string, readonly string[]])[]): Digests {
  const entries = digests.filter(([, list]) => list.length > 0);
  return Object.fromEntries(entries.toSorted(byName));
}

function retiringOfOthers({ retiring = {} }: Ledger, owner: string): Pick<Ledger, "retiring"> {
  const { [owner]: _, ...others } = retiring;
  return Object.keys(others).length === 0 ? {} : { retiring: others };
}

interface Change extends Pick<JoinRequest, "key" | "live" | "owner" | "wanted" | "terms"> {
  /** As {@link recall} gives it. */
  readonly known: Ledger;
  /** Nothing is put in, renewed or created. @default false */
  readonly takeOnly?: boolean;
}

interface Changed {
  readonly content: Before;
  readonly ledger: Ledger;
  /** What of the ledger's digests is this owner's. */
  readonly mine: Digests;
}

/** The document and the ledger with what an owner wants, entry by entry. */
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
  // What others change in an entry of ours is no change of the record, until something is written there all the same.
  const same = document.text === read;
  // One that wants nothing any more stays in the record until it leaves: its state may still know what it had. So does one that only
  // made a list of a lone text: the record holds the text from before.
  const there = Object.hasOwn(known.owners, owner) || Object.keys(ours).length > 0 || !(same || takeOnly);
  const owners = there ? { ...known.owners, [owner]: ours } : known.owners;
  const recorded = new Map(
    same ? Object.entries(known.theirs ?? {}).filter(([name]) => others.has(name)) : others,
  );
  const ledger = { added: tidy([...added]), created: Object.fromEntries(created), owners };
  const before = known.before === undefined ? {} : { before: known.before };
  return {
    // An untouched document is the live text itself, also where that was blank or missing and only read as empty.
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

/** The text without what is ours, whoever of us wants it. */
function withoutUs(key: string, live: Before, known: Ledger): Before {
  const nobody = { ...known, owners: {} };
  return changed({ key, live, owner: "", wanted: {}, terms: {}, known: nobody, takeOnly: true }).content;
}

/** The ledger after a change; where that only says in this release's way what an older one has written, it stays as it was. */
function ledgerAfter(request: JoinRequest, ledger: Ledger, content: Before): Ledger {
  const { ledger: had, live } = request;
  if (had.theirs !== undefined || Object.keys(had.owners).length === 0 || content !== live) return ledger;
  const text = (one: Ledger): string | null => writeLedgers({ ledger: one });
  return text(recall({ ...request, remembered: undefined })) === text(ledger) ? had : ledger;
}

/**
 * The document with `wanted` in it: live - own stale + own new, in every entry of that name. What somebody else had put
 * there is theirs, and stays when we go.
 * @throws ReferenceValuesFormatError if the live text is malformed; nothing is to be written then
 * @throws Error if an entry has to be created and `terms` has no well-formed expiration for it
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
 * The document without some of an owner's digests: it is only taken away, whatever else is not as the owner wants it.
 * @param stays which it keeps
 * @throws ReferenceValuesFormatError if the live text is malformed; nothing is to be written then
 */
export function reduceReferenceValues(
  request: Reduction,
  stays: (digest: string) => boolean,
): Pick<Joined, "content" | "ledger"> {
  const known = recall({ ...request, wanted: {}, terms: {} });
  const mine = Object.entries(own(known.owners, request.owner) ?? {});
  const wanted = Object.fromEntries(mine.map(([name, digests]) => [name, digests.filter(stays)]));
  const { content, ledger } = changed({ ...request, wanted, terms: {}, known, takeOnly: true });
  return { content, ledger };
}

/**
 * The entries that digests are wanted in and cannot be put into: their value is no list, or nobody can read them.
 * @throws ReferenceValuesFormatError if the content is malformed
 */
export function unwritableEntries(key: string, content: Before, wanted: Digests): readonly Entry[] {
  const isWanted = (name: string): boolean => (own(wanted, name) ?? []).length > 0;
  return readDocument(key, content).entries.filter((entry) => isWanted(entry.name) && !isWritable(entry));
}

interface ThereIn {
  /** Of its entries. */
  readonly names: ReadonlySet<string>;
  /** Those of these digests that it has in an entry of their name. */
  readonly of: (digests: Digests) => Digests;
}

function thereIn(key: string, live: Before): ThereIn {
  const { entries } = readDocument(key, live);
  const names = new Set(entries.map(({ name }) => name));
  const there = (name: string, digest: string): boolean =>
    entries.some((entry) => entry.name === name && entry.values.includes(digest));
  const of = (digests: Digests): Digests => {
    const found = Object.entries(digestsByName(digests, [...names]));
    return tidy(found.map(([name, list]) => [name, list.filter((digest) => there(name, digest))]));
  };
  return { names, of };
}

/**
 * What of ours, whoever of us wants it, stands in another document too: where Trustee was upgraded, somebody may have converted the
 * whole document into the new format, with what we had put into the old one.
 * @param key of the other document
 * @param live its content
 * @param former the ledger of the old one
 * @throws ReferenceValuesFormatError if the content is malformed
 */
export function carriedLedger(key: string, live: Before, former: Ledger): Ledger {
  const { names, of } = thereIn(key, live);
  const owners = Object.entries(former.owners).map(([owner, digests]) => [owner, of(digests)] as const);
  const kept = Object.fromEntries(owners.filter(([, digests]) => Object.keys(digests).length > 0));
  if (Object.keys(kept).length === 0) return EMPTY_LEDGER;
  const { retiring } = former;
  const known: Ledger = {
    added: of(former.added),
    created: Object.fromEntries(Object.entries(former.created).filter(([name]) => names.has(name))),
    owners: kept,
    theirs: {},
    ...(retiring === undefined ? {} : { retiring }),
  };
  return { ...known, before: withoutUs(key, live, known) };
}

/**
 * The same of one owner by its state, where the ledger of the old document was lost.
 * @param key of the other document
 * @param live its content
 * @param ledger its ledger
 * @throws ReferenceValuesFormatError if the content is malformed
 */
export function carriedOver(key: string, live: Before, ledger: Ledger, had: Ownership): Ownership {
  const { names, of } = thereIn(key, live);
  const added = of(had.added);
  const created = Object.fromEntries(Object.entries(had.created).filter(([name]) => names.has(name)));
  // The text from before has the former key's format; this one has ours in it, and that of others of us.
  const { before: _, ...known } = withState(key, ledger, "", { added, created, before: live });
  return { added, created, before: withoutUs(key, live, { ...known, theirs: {} }) };
}

/**
 * The document without what this owner had added and no other of ours wants. Where that leaves just what was there
 * before our first write, the text from before is given back byte for byte (`null`: the key was not there).
 * @throws ReferenceValuesFormatError if the live text is malformed
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
