import type { Before } from "../policy/registry.ts";
import { addEntry, editEntry, readDocument, removeEntry, type ReferenceValuesDocument } from "./document.ts";
import { formatOfKey } from "./format.ts";

/** Entry name (`snp_pcr08`) -> the digests in it, lower-case hex. */
export type Digests = Readonly<Record<string, readonly string[]>>;

/** What a stack remembers of what it did to the reference values, so that it can undo exactly that. */
export interface Ownership {
  /** The digests that were not there before this stack added them. Others' stay on destroy, also where we want them too. */
  readonly added: Digests;
  /** The entries that this stack created -> the expiration it gave them. */
  readonly created: Readonly<Record<string, string>>;
  /** The key's content before the first write. */
  readonly before: Before;
}

export interface Merged {
  readonly content: string;
  readonly ownership: Ownership;
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** A record with its keys in order: equal ownership gives equal state. */
function ordered<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * One entry's values: live - own stale + own new. Others' values keep their order; one of ours that stands there
 * twice (a second hand-made run) is kept once; one that somebody else had put there is not ours to count.
 */
function mergeValues(live: readonly string[], wanted: readonly string[], added: readonly string[]): string[] {
  const stale = new Set(added.filter((digest) => !wanted.includes(digest)));
  const seen = new Set<string>();
  const kept = live.filter((digest) => {
    if (stale.has(digest)) return false;
    if (!added.includes(digest)) return true;
    return seen.has(digest) ? false : seen.add(digest);
  });
  return [...kept, ...unique(wanted).filter((digest) => !kept.includes(digest))];
}

function sameValues(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/**
 * The document with `wanted` in it: live - own stale + own new, in every entry of that name.
 * @param live the key's content; `null`: no such key
 * @param expiration for entries that have to be created, `%Y-%m-%dT%H:%M:%SZ`, and for those this stack created before
 * @param own what this stack did before; absent on its first write
 * @throws ReferenceValuesFormatError if the live text is malformed; nothing is to be written then
 */
export function joinReferenceValues(
  key: string,
  live: Before,
  wanted: Digests,
  expiration: string,
  own: Ownership = { added: {}, created: {}, before: live },
): Merged {
  let document = readDocument(key, live);
  const added: Record<string, readonly string[]> = {};
  const created: Record<string, string> = {};
  for (const name of unique([...Object.keys(own.added), ...Object.keys(wanted)]).sort()) {
    const digests = unique(wanted[name] ?? []);
    const addedBefore = own.added[name] ?? [];
    const createdBefore = own.created[name];
    const present = document.entries.filter((entry) => entry.name === name);
    const theirs = new Set(
      present.flatMap((entry) => entry.values).filter((digest) => !addedBefore.includes(digest)),
    );
    const mine = digests.filter((digest) => !theirs.has(digest));
    if (mine.length > 0) added[name] = mine;
    if (present.length === 0 && digests.length > 0) {
      document = addEntry(key, document, { name, expiration, values: digests });
      created[name] = expiration;
      continue;
    }
    for (const entry of present) {
      const values = mergeValues(entry.values, digests, addedBefore);
      const renew = createdBefore !== undefined && digests.length > 0 && entry.expiration !== expiration;
      if (sameValues(values, entry.values) && !renew) continue;
      document = editEntry(key, document, entry.at, { values, ...(renew ? { expiration } : {}) });
    }
    if (createdBefore === undefined) continue;
    if (digests.length > 0) created[name] = expiration;
    else document = dropEmpty(key, document, name);
  }
  return {
    content: keepBytes(key, live, document),
    ownership: { added: ordered(added), created: ordered(created), before: own.before },
  };
}

/** Takes out the entries of that name that hold no value: this stack had made them, and nobody else uses them. */
function dropEmpty(key: string, document: ReferenceValuesDocument, name: string): ReferenceValuesDocument {
  const empty = document.entries.findLast((entry) => entry.name === name && entry.values.length === 0);
  return empty === undefined ? document : dropEmpty(key, removeEntry(key, document, empty.at), name);
}

/** An untouched document is the live text itself, also where that was blank or missing and only read as empty. */
function keepBytes(key: string, live: Before, document: ReferenceValuesDocument): string {
  return live !== null && readDocument(key, live).text === document.text ? live : document.text;
}

/** The whole content for a comparison: map entries decoded, a lone string as a list of one, nothing left out. */
function comparable(key: string, content: Before): string {
  const { text } = readDocument(key, content);
  return JSON.stringify(JSON.parse(text), (field, value: unknown) => {
    if (field === "value" && typeof value === "string") return [value];
    return formatOfKey(key) === "map" && typeof value === "string" && field !== "" ? decoded(value) : value;
  });
}

function decoded(value: string): unknown {
  try {
    return JSON.parse(Buffer.from(value, "base64url").toString("utf8"));
  } catch {
    return value;
  }
}

/**
 * The document without what this stack had added. Where that leaves just what was there before its first write, the
 * text from before is given back byte for byte (`null`: the key was not there).
 * @throws ReferenceValuesFormatError if the live text is malformed
 */
export function leaveReferenceValues(key: string, live: string, own: Ownership): Before {
  const { content } = joinReferenceValues(key, live, {}, "", own);
  try {
    return comparable(key, content) === comparable(key, own.before) ? own.before : content;
  } catch {
    return content;
  }
}
