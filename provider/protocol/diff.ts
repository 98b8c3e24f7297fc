import { own } from "../../core/records.ts";
import {
  formatPath,
  isArray,
  isMap,
  Secret,
  Unknown,
  type PathSegment,
  type PropertyMap,
  type PropertyValue,
} from "./property-value.ts";
import type { DetailedDiff, DiffKind } from "./provider.ts";

/** One place where two values differ. */
export interface Change {
  readonly path: readonly PathSegment[];
  readonly kind: "add" | "delete" | "update";
}

/**
 * The differences between two maps, at the deepest paths, in the order of their keys. Secret marks are
 * ignored. A new value that is unknown always differs.
 */
export function changes(olds: PropertyMap, news: PropertyMap): readonly Change[] {
  return changesAt(olds, news, []);
}

function changesAt(
  old: PropertyValue | undefined,
  next: PropertyValue | undefined,
  path: readonly PathSegment[],
): readonly Change[] {
  if (old instanceof Secret) return changesAt(old.value, next, path);
  if (next instanceof Secret) return changesAt(old, next.value, path);
  if (next === undefined) return old === undefined ? [] : [{ path, kind: "delete" }];
  if (old === undefined) return [{ path, kind: "add" }];
  if (isMap(old) && isMap(next)) {
    return [...new Set([...Object.keys(old), ...Object.keys(next)])].flatMap((key) =>
      changesAt(own(old, key), own(next, key), [...path, key]),
    );
  }
  if (isArray(old) && isArray(next)) {
    const length = Math.max(old.length, next.length);
    return Array.from({ length }, (_, index) => changesAt(old[index], next[index], [...path, index])).flat();
  }
  const isSame = Object.is(old, next) || (typeof old === "number" && old === next);
  return isSame && !(next instanceof Unknown) ? [] : [{ path, kind: "update" }];
}

/** Whether both values are equal. Secret marks are ignored; two unknowns are never equal. */
export function equalValues(left: PropertyValue, right: PropertyValue): boolean {
  return changesAt(left, right, []).length === 0;
}

/**
 * The changes in the engine's format.
 * @param replaces whether the change replaces the resource
 */
export function detailedDiff(
  found: readonly Change[],
  replaces: (change: Change) => boolean = () => false,
): DetailedDiff {
  return Object.fromEntries(
    found.map((change): [string, DiffKind] => [
      formatPath(change.path),
      replaces(change) ? `${change.kind}-replace` : change.kind,
    ]),
  );
}
