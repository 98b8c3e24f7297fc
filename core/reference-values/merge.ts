import type { Before } from "../policy/registry.ts";
import {
  addEntry,
  comparable,
  editEntry,
  readDocument,
  removeEntry,
  type ReferenceValuesDocument,
} from "./document.ts";
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

export interface JoinRequest {
  /** Which says the format. */
  readonly key: string;
  /** The key's content; `null`: no such key. */
  readonly live: Before;
  readonly ledger: Ledger;
  /** Who wants the digests. */
  readonly owner: string;
  readonly wanted: Digests;
  /** For entries that have to be created or renewed, `%Y-%m-%dT%H:%M:%SZ`. */
  readonly expiration: string;
  /** Entries of this owner's that expire earlier than this are renewed; empty: none. Same format. */
  readonly renewBefore: string;
  /** What this owner's state remembers; absent on its first write. */
  readonly remembered?: Ownership | undefined;
}

export interface Joined {
  readonly content: string;
  readonly ledger: Ledger;
  readonly ownership: Ownership;
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** A record with its keys in order and without empty lists: equal ownership gives equal state. */
function tidy(digests: Digests): Digests {
  const entries = Object.entries(digests).filter(([, list]) => list.length > 0);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function wantedByOthers(ledger: Ledger, owner: string, name: string): string[] {
  return Object.entries(ledger.owners).flatMap(([other, wanted]) =>
    other === owner ? [] : (wanted[name] ?? []),
  );
}

/** The ledger with what only the owner's state remembers: an annotation may have been removed by hand. */
function recall(ledger: Ledger, live: Before, owner: string, remembered: Ownership | undefined): Ledger {
  const first = Object.keys(ledger.owners).length === 0;
  if (ledger.owners[owner] !== undefined || remembered === undefined) {
    return first ? { ...ledger, before: live } : ledger;
  }
  const names = unique([...Object.keys(ledger.added), ...Object.keys(remembered.added)]);
  const created = Object.entries(remembered.created).map(([name, expiration]): [string, CreatedEntry] => [
    name,
    { owner, expiration },
  ]);
  return {
    before: first || ledger.before === undefined ? remembered.before : ledger.before,
    added: Object.fromEntries(
      names.map((name) => [name, unique([...(ledger.added[name] ?? []), ...(remembered.added[name] ?? [])])]),
    ),
    created: { ...Object.fromEntries(created), ...ledger.created },
    owners: { ...ledger.owners, [owner]: remembered.added },
  };
}

/**
 * One entry's values: live - own stale + own new. Others' values keep their order and number; one of ours that stands
 * there twice is kept once.
 */
function mergeValues(
  live: readonly string[],
  wanted: readonly string[],
  stale: ReadonlySet<string>,
  ours: ReadonlySet<string>,
): string[] {
  const seen = new Set<string>();
  const kept = live.filter((value) => {
    if (stale.has(value)) return false;
    if (!ours.has(value)) return true;
    return seen.has(value) ? false : seen.add(value);
  });
  return [...kept, ...wanted.filter((value) => !kept.includes(value))];
}

function sameValues(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/** What becomes of one entry's name: its document, and what the ledger says of it. */
interface EntryResult {
  readonly document: ReferenceValuesDocument;
  readonly added: readonly string[];
  readonly mine: readonly string[];
  readonly created?: CreatedEntry | undefined;
}

function joinEntry(
  before: ReferenceValuesDocument,
  name: string,
  ledger: Ledger,
  { owner, wanted, expiration, renewBefore }: JoinRequest,
): EntryResult {
  let document = before;
  const digests = unique(wanted[name] ?? []);
  const others = wantedByOthers(ledger, owner, name);
  const ours = ledger.added[name] ?? [];
  const stale = new Set(ours.filter((digest) => !digests.includes(digest) && !others.includes(digest)));
  const present = document.entries.filter((entry) => entry.name === name);
  const theirs = new Set(present.flatMap((entry) => entry.values).filter((value) => !ours.includes(value)));
  const mine = digests.filter((digest) => !theirs.has(digest));
  const added = unique([...ours.filter((digest) => !stale.has(digest)), ...mine]).sort();
  if (present.length === 0 && digests.length > 0) {
    document = addEntry(document, { name, expiration, values: digests });
    return { document, added, mine, created: { owner, expiration } };
  }
  const created = keeper(ledger.created[name], digests.length > 0 ? owner : undefined, ledger, name, owner);
  const own = created?.owner === owner;
  const expires = own && created.expiration < renewBefore ? expiration : created?.expiration;
  for (const { at } of present) {
    const entry = document.entries[at];
    if (entry === undefined) continue;
    const values = mergeValues(entry.values, digests, stale, new Set(ours));
    const renew = own && expires !== undefined && entry.expiration !== expires;
    if (sameValues(values, entry.values) && !renew) continue;
    document = editEntry(document, entry, { values, ...(renew ? { expiration: expires } : {}) });
  }
  if (ledger.created[name] !== undefined && created === undefined) document = dropEmpty(document, name);
  if (created === undefined || expires === undefined) return { document, added, mine };
  return { document, added, mine, created: { owner: created.owner, expiration: expires } };
}

/** Who keeps an entry of ours from expiring from now on: who did, as long as it uses it, else one that does. */
function keeper(
  created: CreatedEntry | undefined,
  user: string | undefined,
  ledger: Ledger,
  name: string,
  owner: string,
): CreatedEntry | undefined {
  if (created === undefined) return undefined;
  const others = Object.entries(ledger.owners)
    .filter(([other, wanted]) => other !== owner && (wanted[name] ?? []).length > 0)
    .map(([other]) => other);
  const users = [...others, ...(user === undefined ? [] : [user])].sort();
  if (users.includes(created.owner)) return created;
  const [next] = users;
  return next === undefined ? undefined : { ...created, owner: next };
}

/** Takes out the entries of that name that hold no value: one of us had made them, and nobody else uses them. */
function dropEmpty(document: ReferenceValuesDocument, name: string): ReferenceValuesDocument {
  const empty = document.entries.filter((entry) => entry.name === name && entry.values.length === 0);
  return empty.reverse().reduce((rest, entry) => removeEntry(rest, entry), document);
}

/**
 * The document with `wanted` in it: live - own stale + own new, in every entry of that name. A digest that somebody
 * else had put into any of them is theirs, and stays when we go.
 * @throws ReferenceValuesFormatError if the live text is malformed; nothing is to be written then
 */
export function joinReferenceValues(request: JoinRequest): Joined {
  const { key, live, owner, wanted, remembered } = request;
  const ledger = recall(request.ledger, live, owner, remembered);
  let document = readDocument(key, live);
  const read = document.text;
  const added: Record<string, readonly string[]> = {};
  const mine: Record<string, readonly string[]> = {};
  const created: Record<string, CreatedEntry> = {};
  const names = unique([
    ...Object.keys(ledger.added),
    ...Object.keys(ledger.created),
    ...Object.keys(wanted),
  ]);
  for (const name of names.sort()) {
    const result = joinEntry(document, name, ledger, request);
    document = result.document;
    added[name] = result.added;
    mine[name] = result.mine;
    if (result.created !== undefined) created[name] = result.created;
  }
  const { [owner]: _, ...others } = ledger.owners;
  const own = tidy(mine);
  const owners = Object.keys(own).length === 0 ? others : { ...others, [owner]: own };
  const { before } = ledger;
  return {
    // An untouched document is the live text itself, also where that was blank and only read as empty.
    content: live !== null && document.text === read ? live : document.text,
    ledger: { ...(before === undefined ? {} : { before }), added: tidy(added), created, owners },
    ownership: {
      added: own,
      created: Object.fromEntries(
        Object.entries(created).flatMap(([name, one]) =>
          one.owner === owner ? [[name, one.expiration]] : [],
        ),
      ),
      before: before !== undefined ? before : remembered !== undefined ? remembered.before : live,
    },
  };
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
  const { key } = request;
  const { content, ledger, ownership } = joinReferenceValues({
    ...request,
    wanted: {},
    expiration: "",
    renewBefore: "",
  });
  if (Object.keys(ledger.owners).length > 0) return { content, ledger };
  return { content: restored(key, content, ownership.before), ledger: EMPTY_LEDGER };
}

function restored(key: string, content: string, before: Before): Before {
  try {
    return comparable(readDocument(key, content)) === comparable(readDocument(key, before))
      ? before
      : content;
  } catch {
    return content;
  }
}
