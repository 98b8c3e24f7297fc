import { own } from "../records.ts";
import { staysAccepted, type Rotation } from "../rotation/rotation.ts";
import { EVERY_KEY, type GrantTable, type Readers } from "./grants.ts";

/** Key -> who reads it, of one secret. */
type Keys = GrantTable[string];

/** Those of one cell's readers in former tables that the cell still names, by another claim. */
function retiringReaders(
  wanted: readonly (Readers | undefined)[],
  former: readonly (Readers | undefined)[],
  rotation: Rotation,
): Readers {
  const names = new Set(wanted.flatMap((readers) => Object.values(readers ?? {})));
  const known = former.flatMap((readers) => Object.entries(readers ?? {}));
  return Object.fromEntries(
    known.filter(([claim, name]) => names.has(name) && staysAccepted(rotation, claim, name)),
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
  const secrets = Object.entries(wanted).map(([secret, keys]): [string, Keys] => {
    const formerKeys = former.map((table) => own(table, secret));
    const retiring = keysToCompare(keys, formerKeys).map((key): [string, Readers] => {
      const readersOf = (table: Keys | undefined): (Readers | undefined)[] =>
        [...new Set([key, EVERY_KEY])].map((one) => own(table, one));
      return [key, retiringReaders(readersOf(keys), formerKeys.flatMap(readersOf), rotation)];
    });
    return [secret, Object.fromEntries(retiring.filter(([, readers]) => Object.keys(readers).length > 0))];
  });
  return Object.fromEntries(secrets.filter(([, keys]) => Object.keys(keys).length > 0));
}
