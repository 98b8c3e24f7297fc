import { own } from "../records.ts";
import { staysAccepted, type Rotation } from "../rotation/rotation.ts";
import {
  EVERY_KEY,
  listReaders,
  readerNames,
  tableOf,
  type Grant,
  type GrantTable,
  type Readers,
} from "./grants.ts";

/** Key -> readers, for one secret. */
type Keys = GrantTable[string];

/** The readers in previous tables that this cell still grants, under another claim. */
function retiringReaders(
  wanted: readonly (Readers | undefined)[],
  previous: readonly (Readers | undefined)[],
  rotation: Rotation,
): readonly Omit<Grant, "secret" | "key">[] {
  const readersIn = (cells: readonly (Readers | undefined)[]): ReturnType<typeof listReaders> =>
    cells.flatMap((readers = {}) => listReaders(readers));
  const names = new Set(readersIn(wanted).flatMap(({ reader }) => readerNames(reader)));
  return readersIn(previous).filter(
    ({ initData, reader }) =>
      readerNames(reader).every((name) => names.has(name)) && staysAccepted(rotation, initData, reader),
  );
}

/** The keys to compare. A reader of all keys may have read single ones before. */
function keysToCompare(wanted: Keys, previous: readonly (Keys | undefined)[]): readonly string[] {
  const single = Object.hasOwn(wanted, EVERY_KEY) ? previous.flatMap((keys) => Object.keys(keys ?? {})) : [];
  return [...new Set([...Object.keys(wanted), ...single])];
}

/**
 * The grants that a previous digest keeps during the grace period: those that its pod still has. Revoked
 * grants end at once.
 * @param previous the previous grants, and those already in a grace period
 */
export function retiringGrants(
  wanted: GrantTable,
  previous: readonly GrantTable[],
  rotation: Rotation,
): GrantTable {
  const retiring = Object.entries(wanted).flatMap(([secret, keys]) => {
    const previousKeys = previous.map((table) => own(table, secret));
    return keysToCompare(keys, previousKeys).flatMap((key) => {
      const readersOf = (table: Keys | undefined): (Readers | undefined)[] =>
        [...new Set([key, EVERY_KEY])].map((one) => own(table, one));
      const readers = retiringReaders(readersOf(keys), previousKeys.flatMap(readersOf), rotation);
      return readers.map((one): Grant => ({ secret, key, ...one }));
    });
  });
  return tableOf([], retiring);
}
