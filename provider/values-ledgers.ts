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
import { soundEntries } from "../core/reference-values/whose.ts";
import type { Change } from "./change.ts";
import { configMapPatch, contentOf, keyReadNow, type ConfigMap } from "./config-map.ts";

/** What a resource has written, by its state. */
export interface PlacedValues {
  readonly key: string;
  readonly had: Ownership;
}

/** The ledger of each key. */
export type Ledgers = Readonly<Record<string, Ledger>>;

type Patch = Change<unknown>["patch"];

/** The patch for new data and ledgers; none if nothing of them changes. */
export function valuesPatch(map: ConfigMap, data: Readonly<Record<string, Before>>, ledgers: Ledgers): Patch {
  return configMapPatch(map, data, {
    name: REFERENCE_VALUES_LEDGER_ANNOTATION,
    value: writeLedgers(ledgers),
  });
}

export function ledgersOf(map: ConfigMap): Ledgers {
  return readLedgers(map.annotations[REFERENCE_VALUES_LEDGER_ANNOTATION]);
}

/**
 * The ledger of a key; of one that is new to all of us, what was carried over from another one.
 * @param formerKey the one that was written
 */
export function ledgerOf(map: ConfigMap, ledgers: Ledgers, key: string, formerKey: string = key): Ledger {
  const ledger = own(ledgers, key) ?? EMPTY_LEDGER;
  if (formerKey === key || Object.keys(ledger.owners).length > 0) return ledger;
  return carriedLedger(key, contentOf(map, key), own(ledgers, formerKey) ?? EMPTY_LEDGER);
}

/** What is left of a key when an owner withdraws from it. */
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

/** What a resource's state says of a key; of one that is new to it, what was carried over from the former one. */
export function rememberedFor(
  map: ConfigMap,
  ledger: Ledger,
  key: string,
  { key: formerKey, had }: PlacedValues,
): Ownership {
  return formerKey === key ? had : carriedOver(key, contentOf(map, key), ledger, had);
}

/**
 * Withdraws from the key that was written, and from the one that Trustee reads since, whoever has brought what is ours there.
 * @throws ReferenceValuesFormatError if what is under the key that was written is malformed
 */
export function leaveValues(
  map: ConfigMap,
  candidates: readonly string[],
  placed: PlacedValues,
  owner: string,
): Patch {
  const { key } = placed;
  const known = ledgersOf(map);
  const left = leaveKey(map, known, placed, owner);
  const present = keyReadNow(map, candidates, key) ?? key;
  if (present === key || soundEntries(present, contentOf(map, present)) === undefined) {
    return valuesPatch(map, { [key]: left.content }, left.ledgers);
  }
  const ledger = ledgerOf(map, known, present, key);
  const had = rememberedFor(map, ledger, present, placed);
  const moved = leaveKey(map, { ...left.ledgers, [present]: ledger }, { key: present, had }, owner);
  return valuesPatch(map, { [key]: left.content, [present]: moved.content }, moved.ledgers);
}
