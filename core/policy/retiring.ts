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

/** Key -> who reads it, of one secret. */
type Keys = GrantTable[string];

/** Those of one cell's readers in former tables that the cell still names, by another claim. */
function retiringReaders(
  wanted: readonly (Readers | undefined)[],
  former: readonly (Readers | undefined)[],
  rotation: Rotation,
): readonly Omit<Grant, "secret" | "key">[] {
  const readersIn = (cells: readonly (Readers | undefined)[]): ReturnType<typeof listReaders> =>
    cells.flatMap((readers = {}) => listReaders(readers));
  const names = new Set(readersIn(wanted).flatMap(({ reader }) => readerNames(reader)));
  return readersIn(former).filter(
    ({ initData, reader }) =>
      readerNames(reader).every((name) => names.has(name)) && staysAccepted(rotation, initData, reader),
  );
}

/** The keys of one secret in which wanted and former readers can meet: a reader of every key now may have read a single one. */
function keysToCompare(wanted: Keys, former: readonly (Keys | undefined)[]): readonly string[] {
  const single = Object.hasOwn(wanted, EVERY_KEY) ? former.flatMap((keys) => Object.keys(keys ?? {})) : [];
  return [...new Set([...Object.keys(wanted), ...single])];
}

/**
 * What former initdata may go on reading while its pod changes over: of what it was granted, that which the pod is granted now
 * too. A grant that was taken away is gone at once.
 * @param former what was granted before, and what was retiring then already
 */
export function retiringGrants(
  wanted: GrantTable,
  former: readonly GrantTable[],
  rotation: Rotation,
): GrantTable {
  const retiring = Object.entries(wanted).flatMap(([secret, keys]) => {
    const formerKeys = former.map((table) => own(table, secret));
    return keysToCompare(keys, formerKeys).flatMap((key) => {
      const readersOf = (table: Keys | undefined): (Readers | undefined)[] =>
        [...new Set([key, EVERY_KEY])].map((one) => own(table, one));
      const readers = retiringReaders(readersOf(keys), formerKeys.flatMap(readersOf), rotation);
      return readers.map((one): Grant => ({ secret, key, ...one }));
    });
  });
  return tableOf([], retiring);
}
