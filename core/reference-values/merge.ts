import { own } from "../own.ts";
import type { Before } from "../policy/registry.ts";
import { comparable, readDocument } from "./document.ts";
import { mergeEntry, nameOfSlot, unique } from "./entry-merge.ts";
import { EMPTY_LEDGER, type CreatedEntry, type Digests, type Ledger } from "./ledger.ts";

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
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The ledger with what only the owner's state remembers: an annotation may have been removed by hand. */
function recall(ledger: Ledger, live: Before, owner: string, remembered: Ownership | undefined): Ledger {
  const first = Object.keys(ledger.owners).length === 0;
  if (own(ledger.owners, owner) !== undefined || remembered === undefined) {
    return first ? { ...ledger, before: live } : ledger;
  }
  const slots = unique([...Object.keys(ledger.added), ...Object.keys(remembered.added)]);
  const added = slots.map((slot) => [
    slot,
    unique([...(own(ledger.added, slot) ?? []), ...(own(remembered.added, slot) ?? [])]),
  ]);
  const created = Object.entries(remembered.created).map(([name, expiration]) => [
    name,
    { owner, expiration },
  ]);
  return {
    before: first || ledger.before === undefined ? remembered.before : ledger.before,
    added: Object.fromEntries(added) as Digests,
    created: { ...(Object.fromEntries(created) as Ledger["created"]), ...ledger.created },
    owners: { ...ledger.owners, [owner]: remembered.added },
  };
}

function retiringOfOthers({ retiring = {} }: Ledger, owner: string): Pick<Ledger, "retiring"> {
  const { [owner]: _, ...others } = retiring;
  return Object.keys(others).length === 0 ? {} : { retiring: others };
}

/**
 * The document with `wanted` in it: live - own stale + own new, in every entry of that name. What somebody else had put
 * there is theirs, and stays when we go.
 * @throws ReferenceValuesFormatError if the live text is malformed; nothing is to be written then
 */
export function joinReferenceValues(request: JoinRequest): Joined {
  const { key, live, owner, wanted, remembered, terms } = request;
  const ledger = recall(request.ledger, live, owner, remembered);
  let document = readDocument(key, live);
  const read = document.text;
  const added: [string, readonly string[]][] = [];
  const mine: [string, readonly string[]][] = [];
  const created: [string, CreatedEntry][] = [];
  const names = [...Object.keys(ledger.added).map(nameOfSlot), ...Object.keys(ledger.created)];
  for (const name of unique([...names, ...Object.keys(wanted)]).sort()) {
    const digests = unique(own(wanted, name) ?? []);
    const result = mergeEntry(document, ledger, { name, digests, owner, ...(own(terms, name) ?? NO_TERM) });
    document = result.document;
    added.push(...Object.entries(result.added));
    mine.push(...Object.entries(result.mine));
    if (result.created !== undefined) created.push([name, result.created]);
  }
  const { [owner]: _, ...others } = ledger.owners;
  const held = tidy(mine);
  const owners = Object.keys(held).length === 0 ? others : { ...others, [owner]: held };
  const { before } = ledger;
  const kept = created.filter(([, entry]) => entry.owner === owner);
  return {
    // An untouched document is the live text itself, also where that was blank or missing and only read as empty.
    content: document.text === read ? live : document.text,
    ledger: {
      ...(before === undefined ? {} : { before }),
      added: tidy(added),
      created: Object.fromEntries(created),
      owners,
      ...retiringOfOthers(ledger, owner),
    },
    ownership: {
      added: held,
      created: Object.fromEntries(kept.map(([name, entry]) => [name, entry.expiration])),
      before: before !== undefined ? before : remembered !== undefined ? remembered.before : live,
    },
  };
}

/**
 * What of an owner's stands in another document too: where Trustee was upgraded, somebody may have converted the whole
 * document into the new format, with what we had put into the old one.
 * @param key of the other document
 * @param live its content
 * @throws ReferenceValuesFormatError if that is malformed
 */
export function carriedOver(key: string, live: Before, had: Ownership): Ownership {
  const { entries } = readDocument(key, live);
  const stands = (name: string, digest: string): boolean =>
    entries.some((entry) => entry.name === name && entry.values.includes(digest));
  const added = Object.entries(had.added).map(([slot, digests]): [string, readonly string[]] => [
    slot,
    digests.filter((digest) => stands(nameOfSlot(slot), digest)),
  ]);
  const created = Object.entries(had.created).filter(([name]) =>
    entries.some((entry) => entry.name === name),
  );
  return { added: tidy(added), created: Object.fromEntries(created), before: live };
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
  const { content, ledger, ownership } = joinReferenceValues({
    ...request,
    wanted: {},
    terms: {},
  });
  if (Object.keys(ledger.owners).length > 0) return { content, ledger };
  return { content: restored(request.key, content, ownership.before), ledger: EMPTY_LEDGER };
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
