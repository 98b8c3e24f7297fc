import { addEntry, editEntry, removeEntry, type Entry, type ReferenceValuesDocument } from "./document.ts";
import type { CreatedEntry, Digests, Ledger } from "./ledger.ts";
import { own } from "../own.ts";

/** What one owner wants of the entries of one name. */
export interface EntryRequest {
  readonly name: string;
  readonly digests: readonly string[];
  readonly owner: string;
  /** For an entry that has to be created or renewed, `%Y-%m-%dT%H:%M:%SZ`. */
  readonly expiration: string;
  /** An entry of this owner's that expires earlier is renewed. */
  readonly renewBefore: string;
}

export interface EntryResult {
  readonly document: ReferenceValuesDocument;
  /** What of {@link Ledger.added} is about entries of this name. */
  readonly added: Digests;
  /** What of it this owner wants. */
  readonly mine: Digests;
  readonly created?: CreatedEntry;
}

/**
 * Where a digest of ours stands: an entry's name, and for a name that stands there more than once which of them, so
 * that what somebody else has in one of them is not taken for ours because we put it into another.
 */
function slotOf(name: string, index: number): string {
  return index === 0 ? name : `${name} (${index + 1})`;
}

/** The name of the entries that a slot is about. */
export function nameOfSlot(slot: string): string {
  return slot.replace(/ \(\d+\)$/, "");
}

export function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function wantedByOthers(ledger: Ledger, owner: string, slot: string): string[] {
  return Object.entries(ledger.owners).flatMap(([other, wanted]) =>
    other === owner ? [] : (own(wanted, slot) ?? []),
  );
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

/** Who keeps an entry of ours from expiring from now on: who did, as long as it uses it, else another that does. */
function keeper(ledger: Ledger, { name, digests, owner }: EntryRequest): CreatedEntry | undefined {
  const created = own(ledger.created, name);
  if (created === undefined) return undefined;
  const others = Object.keys(ledger.owners).filter(
    (other) => other !== owner && (own(own(ledger.owners, other), name) ?? []).length > 0,
  );
  const users = digests.length > 0 ? [...others, owner] : others;
  if (users.includes(created.owner)) return created;
  const [next] = users.sort();
  return next === undefined ? undefined : { ...created, owner: next };
}

/**
 * Which of the entries of a name is the one that one of us created: that with the expiration that the ledger knows; where
 * somebody has changed it, the only one with a digest of ours. Another team may have added a second entry of that name, or
 * put its own in place of ours: its expiration is theirs.
 */
function createdEntry(present: readonly Entry[], ledger: Ledger, name: string): Entry | undefined {
  const created = own(ledger.created, name);
  if (created === undefined) return undefined;
  const known = present.find((entry) => entry.expiration === created.expiration);
  if (known !== undefined) return known;
  const slots = Object.entries(ledger.added).filter(([slot]) => nameOfSlot(slot) === name);
  const ours = new Set(slots.flatMap(([, digests]) => digests));
  const [only, ...more] = present.filter((entry) => entry.values.some((value) => ours.has(value)));
  return more.length === 0 ? only : undefined;
}

/** Takes out the entry that one of us had made, if nobody has a value in it any more. */
function dropEmpty(document: ReferenceValuesDocument, at: number): ReferenceValuesDocument {
  const entry = document.entries[at];
  return entry === undefined || entry.values.length > 0 ? document : removeEntry(document, entry);
}

/** Brings the entries of one name to what the owner wants of them. */
export function mergeEntry(
  live: ReferenceValuesDocument,
  ledger: Ledger,
  request: EntryRequest,
): EntryResult {
  const { name, digests, owner, expiration, renewBefore } = request;
  const present = live.entries.filter((entry) => entry.name === name);
  const made = createdEntry(present, ledger, name);
  const keep = made === undefined ? undefined : keeper(ledger, request);
  const renewed = keep?.owner === owner && keep.expiration < renewBefore ? { ...keep, expiration } : keep;
  const added = new Map<string, readonly string[]>();
  const mine = new Map<string, readonly string[]>();
  let document = live;
  const slots = Math.max(1, present.length);
  for (let index = 0; index < slots; index += 1) {
    const slot = slotOf(name, index);
    const before = present[index]?.values ?? [];
    const ours = new Set(own(ledger.added, slot));
    const others = wantedByOthers(ledger, owner, slot);
    const stale = new Set(
      [...ours].filter((digest) => !digests.includes(digest) && !others.includes(digest)),
    );
    const held = digests.filter((digest) => ours.has(digest) || !before.includes(digest));
    added.set(slot, unique([...[...ours].filter((digest) => !stale.has(digest)), ...held]).sort());
    mine.set(slot, held);
    const entry = document.entries[present[index]?.at ?? -1];
    if (entry === undefined) continue;
    const values = mergeValues(before, digests, stale, ours);
    const renew =
      entry.at === made?.at && renewed?.owner === owner && entry.expiration !== renewed.expiration;
    if (sameValues(values, before) && !renew) continue;
    document = editEntry(document, entry, { values, ...(renew ? { expiration: renewed.expiration } : {}) });
  }
  const slotted = { added: Object.fromEntries(added), mine: Object.fromEntries(mine) };
  if (present.length === 0 && digests.length > 0) {
    document = addEntry(document, { name, expiration, values: digests });
    return { document, ...slotted, created: { owner, expiration } };
  }
  if (renewed !== undefined) return { document, ...slotted, created: renewed };
  return { document: made === undefined ? document : dropEmpty(document, made.at), ...slotted };
}
