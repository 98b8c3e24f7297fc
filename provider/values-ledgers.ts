import type { Before } from "../core/policy/registry.ts";
import { own } from "../core/records.ts";
import {
  EMPTY_LEDGER,
  readLedgers,
  REFERENCE_VALUES_LEDGER_ANNOTATION,
  writeLedgers,
  type Ledger,
} from "../core/reference-values/ledger.ts";
import {
  carriedLedger,
  carriedOver,
  leaveReferenceValues,
  type Ownership,
} from "../core/reference-values/merge.ts";
import { siblingKeys } from "../core/trustee/generation.ts";
import { soundEntries } from "../core/reference-values/whose.ts";
import type { Change } from "./change.ts";
import { configMapPatch, contentOf, keyReadNow, type ConfigMap } from "./config-map.ts";

/** What a resource has written, according to its state. */
export interface PlacedValues {
  readonly key: string;
  readonly had: Ownership;
}

/** The ledger of each key. */
export type Ledgers = Readonly<Record<string, Ledger>>;

type Patch = Change<unknown>["patch"];

/** The patch for new data and ledgers, or `undefined` if nothing changes. */
export function valuesPatch(map: ConfigMap, data: Readonly<Record<string, Before>>, ledgers: Ledgers): Patch {
  return configMapPatch(map, data, {
    name: REFERENCE_VALUES_LEDGER_ANNOTATION,
    value: writeLedgers(ledgers),
  });
}

export function ledgersOf(map: ConfigMap): Ledgers {
  return readLedgers(map.annotations[REFERENCE_VALUES_LEDGER_ANNOTATION]);
}

/** The ledger of a key. If no stack has used the key yet, the previous key's ledger is carried over. */
export function ledgerOf(map: ConfigMap, ledgers: Ledgers, key: string, previousKey: string = key): Ledger {
  const ledger = own(ledgers, key) ?? EMPTY_LEDGER;
  if (previousKey === key || Object.keys(ledger.owners).length > 0) return ledger;
  return carriedLedger(key, contentOf(map, key), own(ledgers, previousKey) ?? EMPTY_LEDGER);
}

/** The content and the ledgers after an owner has left a key. */
export function leaveKey(
  map: ConfigMap,
  ledgers: Ledgers,
  { key, had }: PlacedValues,
  owner: string,
): { readonly content: Before; readonly ledgers: Ledgers } {
  const live = contentOf(map, key);
  const ledger = own(ledgers, key) ?? EMPTY_LEDGER;
  if (live === null) {
    const { [owner]: _, ...owners } = ledger.owners;
    return { content: null, ledgers: { ...ledgers, [key]: { ...ledger, owners } } };
  }
  const left = leaveReferenceValues({ key, live, ledger, owner, remembered: had });
  return { content: left.content, ledgers: { ...ledgers, [key]: left.ledger } };
}

/** What a resource's state remembers of a key. For a new key, this is carried over from the previous one. */
export function rememberedFor(
  map: ConfigMap,
  ledger: Ledger,
  key: string,
  { key: previousKey, had }: PlacedValues,
): Ownership {
  return previousKey === key ? had : carriedOver(key, contentOf(map, key), ledger, had);
}

/**
 * Removes our digests from the key that was written, from every key whose ledger names us, and from the key that
 * Trustee reads now or after an upgrade if they were copied there.
 * @throws UserError if the content of the written key is malformed
 */
export function leaveValues(
  map: ConfigMap,
  candidates: readonly string[],
  placed: PlacedValues,
  owner: string,
): Patch {
  const { key } = placed;
  const known = ledgersOf(map);
  const siblings = siblingKeys(key);
  const newer = siblings.slice(0, Math.max(siblings.indexOf(key), 0));
  const copies = [keyReadNow(map, candidates, key), ...newer];
  const ours = Object.entries(known).flatMap(([one, { owners }]) =>
    Object.hasOwn(owners, owner) ? [one] : [],
  );
  const first = leaveKey(map, known, placed, owner);
  let left = { data: { [key]: first.content } as Record<string, Before>, ledgers: first.ledgers };
  for (const present of new Set([...copies, ...ours])) {
    if (present === undefined || present === key) continue;
    if (soundEntries(present, contentOf(map, present)) === undefined) continue;
    const ledger = ledgerOf(map, known, present, key);
    const had = rememberedFor(map, ledger, present, placed);
    const moved = leaveKey(map, { ...left.ledgers, [present]: ledger }, { key: present, had }, owner);
    left = { data: { ...left.data, [present]: moved.content }, ledgers: moved.ledgers };
  }
  return valuesPatch(map, left.data, left.ledgers);
}
