import { staysAccepted, type Rotation } from "../policy/rotation.ts";
import type { Before } from "../policy/registry.ts";
import { readDocument } from "./document.ts";
import { byName, own } from "../records.ts";
import { unique } from "./entry-merge.ts";
import { selected, unionOf, type Digests, type Ledger } from "./ledger.ts";
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
  const all = Object.entries(unionOf(previous.retiring, previous.digests)).sort(byName);
  const sorted = all.map(([name, digests]): [string, readonly string[]] => [name, digests.toSorted()]);
  return selected(
    Object.fromEntries(sorted),
    (digest, name) =>
      staysAccepted(rotation, digest, own(previous.readers, digest) ?? "") &&
      own(wanted, name)?.includes(digest) !== true,
  );
}

/**
 * The previous digests that stay accepted: they were there before this project, which does not remove them.
 * @param ledger after the change. Digests that we added or still want do not count.
 * @throws UserError if the content is malformed
 */
export function leftBehind(
  key: string,
  content: Before,
  ledger: Ledger,
  previous: Digests,
  wanted: Digests,
): Digests {
  const { entries } = readDocument(key, content);
  const ours = unionOf(ledger.added, wanted);
  return selected(
    previous,
    (digest, name) =>
      entries.some((entry) => entry.name === name && entry.values.includes(digest)) &&
      own(ours, name)?.includes(digest) !== true,
  );
}

/** An owner's previous digests that are still in the document, by the ledger. */
export function stillRetiring(ledger: Ledger, owner: string, retiring: Digests): Digests {
  const held = own(ledger.retiring, owner) ?? [];
  return selected(retiring, (digest) => held.includes(digest));
}

/** The ledger with the previous digests that an owner added. */
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
 * @throws UserError if the live text is malformed; do not write then
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
