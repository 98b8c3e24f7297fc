import { own as ownOf } from "../records.ts";
import {
  addEntry,
  editEntry,
  isExpiration,
  isUnfit,
  removeEntry,
  type Entry,
  type ReferenceValuesDocument,
} from "./document.ts";
import type { CreatedEntry, Ledger, TheirEntry } from "./ledger.ts";
import { whoseValues } from "./whose.ts";

/** What one owner wants in the entries of one name. */
interface EntryRequest {
  readonly name: string;
  readonly digests: readonly string[];
  readonly owner: string;
  /** For an entry that is created or renewed, `%Y-%m-%dT%H:%M:%SZ`. */
  readonly expiration: string;
  /** An entry of this owner that expires before this time is renewed. */
  readonly renewBefore: string;
  /** Only remove: add, renew and create nothing. */
  readonly takeOnly: boolean;
  /** The entries of that name at our last write, without our values; undefined: unknown. */
  readonly known: readonly TheirEntry[] | undefined;
}

interface EntryResult {
  readonly document: ReferenceValuesDocument;
  /** The part of {@link Ledger.added} about entries of this name. */
  readonly added: readonly string[];
  /** The part of `added` that this owner wants. */
  readonly mine: readonly string[];
  /** The new entries of this name, without our values. */
  readonly theirs: readonly TheirEntry[];
  readonly created?: CreatedEntry;
}

export function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function wantedByOthers(ledger: Ledger, owner: string, name: string): string[] {
  return Object.entries(ledger.owners).flatMap(([other, wanted]) =>
    other === owner ? [] : (ownOf(wanted, name) ?? []),
  );
}

/**
 * The values of one entry: live - our stale ones + our new ones. Other people's values keep their order and
 * number; duplicates of ours are removed.
 */
function mergeValues(
  live: readonly string[],
  wanted: readonly string[],
  stale: ReadonlySet<string>,
  ours: ReadonlySet<string>,
): string[] {
  const seen = new Set<string>();
  const kept = live.filter((value) => {
    if (!ours.has(value)) return true;
    return stale.has(value) || seen.has(value) ? false : seen.add(value);
  });
  const present = new Set(kept);
  return [...kept, ...wanted.filter((value) => !present.has(value))];
}

function sameValues(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/** The owner that renews an entry of ours: the previous one while it uses the entry, else another owner. */
function keeper(ledger: Ledger, { name, digests, owner }: EntryRequest): CreatedEntry | undefined {
  const created = ownOf(ledger.created, name);
  if (created === undefined) return undefined;
  const others = Object.keys(ledger.owners).filter(
    (other) => other !== owner && (ownOf(ownOf(ledger.owners, other), name) ?? []).length > 0,
  );
  const users = digests.length > 0 ? [...others, owner] : others;
  if (users.includes(created.owner)) return created;
  const [next] = users.sort();
  return next === undefined ? undefined : { ...created, owner: next };
}

/** The created entry with its expiration; a new one if it is due or unreadable for an RVPS. */
function renewed(
  keep: CreatedEntry,
  { owner, expiration, renewBefore, takeOnly }: EntryRequest,
): CreatedEntry {
  const due = keep.owner === owner && keep.expiration < renewBefore;
  if (takeOnly || !isExpiration(expiration)) return keep;
  return due || !isExpiration(keep.expiration) ? { ...keep, expiration } : keep;
}

/** Whether an entry of ours needs its expiration restored: by its keeper, or by any owner if unreadable. */
function needsExpiration(entry: Entry, keep: CreatedEntry, { owner, takeOnly }: EntryRequest): boolean {
  if (takeOnly || entry.expiration === keep.expiration || !isExpiration(keep.expiration)) return false;
  return keep.owner === owner || !isExpiration(entry.expiration);
}

/** The changes to our digests. */
interface Digesting {
  /** The digests that no owner wants any longer. */
  readonly stale: ReadonlySet<string>;
  readonly added: readonly string[];
  readonly mine: readonly string[];
}

function digestsAfter(present: readonly Entry[], ledger: Ledger, request: EntryRequest): Digesting {
  const { name, digests, owner, takeOnly } = request;
  const before = ownOf(ledger.added, name) ?? [];
  const wanted = new Set([...digests, ...wantedByOthers(ledger, owner, name)]);
  const stays = new Set(before.filter((digest) => wanted.has(digest)));
  const held = present.map((entry) => new Set(entry.values));
  const putIn = (digest: string): boolean =>
    !takeOnly && (held.length === 0 || held.some((values) => !values.has(digest)));
  const mine = digests.filter((digest) => stays.has(digest) || putIn(digest));
  return {
    stale: new Set(before.filter((digest) => !wanted.has(digest))),
    added: unique([...stays, ...mine]).sort(),
    mine,
  };
}

/** Removes the entry that this project created once it has no values. */
function withoutEmpty(live: ReferenceValuesDocument, made: Entry): ReferenceValuesDocument {
  const entry = live.entries[made.at];
  return entry === undefined || entry.values.length > 0 ? live : removeEntry(live, entry);
}

/** Merges what the owner wants into the entries of one name. */
export function mergeEntry(
  live: ReferenceValuesDocument,
  ledger: Ledger,
  request: EntryRequest,
): EntryResult {
  const { name, digests, owner, expiration, takeOnly, known } = request;
  const present = live.entries.filter((entry) => entry.name === name);
  const created = ownOf(ledger.created, name);
  const { ours, made } = whoseValues(present, ownOf(ledger.added, name) ?? [], known, created);
  const { stale, ...after } = digestsAfter(present, ledger, request);
  if (present.length === 0 && digests.length > 0 && !takeOnly) {
    const document = addEntry(live, { name, expiration, values: digests });
    const theirs = [{ expiration, values: [], made: true as const }];
    return { ...after, document, theirs, created: { owner, expiration } };
  }
  const kept = made === undefined ? undefined : keeper(ledger, request);
  const keep = kept === undefined ? undefined : renewed(kept, request);
  let document = live;
  const theirs = present.flatMap((entry, index): TheirEntry[] => {
    const mine = ours[index] ?? new Set<string>();
    const values = mergeValues(entry.values, takeOnly ? [] : digests, stale, mine);
    const isKept = entry === made && keep !== undefined;
    const change = isKept && needsExpiration(entry, keep, request) ? { expiration: keep.expiration } : {};
    const isUnread = !takeOnly && digests.length > 0 && isUnfit(entry);
    if (!sameValues(values, entry.values) || change.expiration !== undefined || isUnread) {
      document = editEntry(document, entry, { values, ...change });
    }
    if (entry === made && !isKept && values.length === 0) return [];
    const held = new Set(values);
    const lacks = after.added.filter((digest) => !held.has(digest));
    return [
      {
        expiration: change.expiration ?? entry.expiration,
        values: entry.values.filter((value) => !mine.has(value)),
        ...(isKept ? { made: true } : {}),
        ...(lacks.length === 0 ? {} : { lacks }),
      },
    ];
  });
  if (keep !== undefined) return { ...after, document, theirs, created: keep };
  return { ...after, document: made === undefined ? document : withoutEmpty(document, made), theirs };
}
