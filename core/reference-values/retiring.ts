import { staysAccepted, type Rotation } from "../rotation/rotation.ts";
import type { Before } from "../policy/registry.ts";
import { readDocument } from "./document.ts";
import { own } from "../records.ts";
import { unique } from "./entry-merge.ts";
import type { Digests, Ledger } from "./ledger.ts";
import { reduceReferenceValues } from "./merge.ts";

/** What a resource wanted before, and which of it was in a grace period. */
interface PreviousDigests {
  readonly digests: Digests;
  /** Digest -> reader, for all of them. */
  readonly readers: Readonly<Record<string, string>>;
  readonly retiring: Digests;
}

/** Entry -> the previous digests that stay until their pods are ready with the new ones. */
export function retiringDigests(wanted: Digests, previous: PreviousDigests, rotation: Rotation): Digests {
  const names = unique([...Object.keys(previous.digests), ...Object.keys(previous.retiring)]).sort();
  const entries = names.map((name): [string, readonly string[]] => {
    const all = unique([...(own(previous.retiring, name) ?? []), ...(own(previous.digests, name) ?? [])]);
    const stay = all.filter((digest) => staysAccepted(rotation, digest, own(previous.readers, digest) ?? ""));
    return [name, stay.filter((digest) => !(own(wanted, name) ?? []).includes(digest)).sort()];
  });
  return Object.fromEntries(entries.filter(([, digests]) => digests.length > 0));
}

/**
 * The previous digests that stay accepted for good: they were there before us, so they are not ours to
 * remove.
 * @param ledger after the change. Digests that we added or still want do not count.
 * @throws ReferenceValuesFormatError if the content is malformed
 */
export function leftBehind(
  key: string,
  content: Before,
  ledger: Ledger,
  previous: Digests,
  wanted: Digests,
): Digests {
  const { entries } = readDocument(key, content);
  const left = Object.entries(previous).map(([name, digests]): [string, readonly string[]] => {
    const values = entries.filter((entry) => entry.name === name).flatMap((entry) => entry.values);
    const ours = own(ledger.added, name) ?? [];
    const stays = (digest: string): boolean =>
      values.includes(digest) && !ours.includes(digest) && !(own(wanted, name) ?? []).includes(digest);
    return [name, digests.filter(stays)];
  });
  return Object.fromEntries(left.filter(([, digests]) => digests.length > 0));
}

/** Both, merged by entry. */
export function withRetiring(wanted: Digests, retiring: Digests): Digests {
  const names = unique([...Object.keys(wanted), ...Object.keys(retiring)]);
  return Object.fromEntries(
    names.map((name) => [name, unique([...(own(wanted, name) ?? []), ...(own(retiring, name) ?? [])])]),
  );
}

/** An owner's previous digests that are still in the document, by the ledger. */
export function stillRetiring(ledger: Ledger, owner: string, retiring: Digests): Digests {
  const held = own(ledger.retiring, owner) ?? [];
  const entries = Object.entries(retiring).map(([name, digests]): [string, readonly string[]] => [
    name,
    digests.filter((digest) => held.includes(digest)),
  ]);
  return Object.fromEntries(entries.filter(([, digests]) => digests.length > 0));
}

/** The ledger with an owner's previous digests, as far as it added them. */
export function markRetiring(ledger: Ledger, owner: string, retiring: Digests): Ledger {
  const mine = new Set(Object.values(own(ledger.owners, owner) ?? {}).flat());
  const held = unique(Object.values(retiring).flat())
    .filter((digest) => mine.has(digest))
    .sort();
  return held.length === 0 ? ledger : { ...ledger, retiring: { ...ledger.retiring, [owner]: held } };
}

/**
 * Removes an owner's previous digests, and changes nothing else. For example, a removed entry of ours is only
 * restored by the next join.
 * @throws ReferenceValuesFormatError if the live text is malformed; do not write then
 */
export function retireDigests(
  key: string,
  live: Before,
  ledger: Ledger,
  owner: string,
): { readonly content: Before; readonly ledger: Ledger } {
  const retiring = own(ledger.retiring, owner) ?? [];
  if (retiring.length === 0) return { content: live, ledger };
  return reduceReferenceValues(
    { key, live, ledger, owner, remembered: undefined },
    (digest) => !retiring.includes(digest),
  );
}
