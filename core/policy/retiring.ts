import { own } from "../own.ts";
import { staysAccepted, type Rotation } from "../rotation/rotation.ts";
import { EVERY_KEY, type GrantTable, type Readers } from "./grants.ts";

/** Those of one cell's readers in former tables that the cell still names, by another claim. */
function retiringReaders(
  wanted: Readers,
  formerReaders: readonly (Readers | undefined)[],
  rotation: Rotation,
): Readers {
  const names = new Set(Object.values(wanted));
  const former = formerReaders.flatMap((readers) => Object.entries(readers ?? {}));
  return Object.fromEntries(
    former.filter(([claim, name]) => names.has(name) && staysAccepted(rotation, claim, name)),
  );
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
  const secrets = Object.entries(wanted).map(([secret, keys]): [string, GrantTable[string]] => {
    const formerKeys = former.map((table) => own(table, secret));
    const retiring = Object.entries(keys).map(([key, readers]): [string, Readers] => {
      const granted = formerKeys.flatMap((table) => [own(table, key), own(table, EVERY_KEY)]);
      return [key, retiringReaders(readers, granted, rotation)];
    });
    return [secret, Object.fromEntries(retiring.filter(([, readers]) => Object.keys(readers).length > 0))];
  });
  return Object.fromEntries(secrets.filter(([, keys]) => Object.keys(keys).length > 0));
}
