import { isDeepStrictEqual } from "node:util";
import { byString, isRecord } from "../../../core/records.ts";
import type { Json } from "./patches.ts";

/** The fields of one manager, as the API server stores them. */
export interface ManagedFieldsEntry {
  readonly manager: string;
  readonly operation: "Update";
  readonly apiVersion: string;
  readonly time: string;
  readonly fieldsType: "FieldsV1";
  readonly fieldsV1: Json;
}

/** A set of field paths, each a JSON list of FieldsV1 parts. */
type Fields = ReadonlySet<string>;

/** Lists whose elements are owned separately. Other lists are owned as a whole. */
const elements: Readonly<Record<string, (element: unknown) => string>> = {
  '["f:metadata","f:finalizers"]': (element) => `v:${JSON.stringify(element)}`,
  '["f:metadata","f:ownerReferences"]': (element) =>
    `k:${JSON.stringify({ uid: isRecord(element) ? element["uid"] : "" })}`,
};

/** Fields without a manager. */
const nobodys = new Set(
  [
    ["apiVersion"],
    ["kind"],
    ["metadata"],
    ...[
      "name",
      "namespace",
      "creationTimestamp",
      "uid",
      "generation",
      "managedFields",
      "resourceVersion",
      "deletionTimestamp",
      "deletionGracePeriodSeconds",
    ].map((name) => ["metadata", name]),
  ].map((path) => JSON.stringify(path.map((part) => `f:${part}`))),
);

/** The separately owned parts of a value; undefined if it is owned as a whole. */
function partsOf(value: unknown, path: readonly string[]): ReadonlyMap<string, unknown> | undefined {
  if (isRecord(value)) return new Map(Object.entries(value).map(([name, part]) => [`f:${name}`, part]));
  const name = elements[JSON.stringify(path)];
  if (!Array.isArray(value) || name === undefined) return undefined;
  return new Map(value.map((element: unknown) => [name(element), element]));
}

interface Comparison {
  /** Added or modified. */
  readonly taken: Set<string>;
  readonly removed: Set<string>;
}

/** Compares two versions of an object like sigs.k8s.io/structured-merge-diff. */
function compare(before: unknown, after: unknown, path: readonly string[], found: Comparison): void {
  const [old, now] = [partsOf(before, path), partsOf(after, path)];
  const here = JSON.stringify(path);
  if (before === undefined && !nobodys.has(here)) found.taken.add(here);
  else if (after === undefined && !nobodys.has(here)) found.removed.add(here);
  const leaf = (old === undefined && now === undefined) || ((old?.size ?? 0) === 0 && (now?.size ?? 0) === 0);
  if (leaf) {
    if (before !== undefined && after !== undefined && !isDeepStrictEqual(before, after)) {
      if (!nobodys.has(here)) found.taken.add(here);
    }
    return;
  }
  for (const part of new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])) {
    if (nobodys.has(JSON.stringify([...path, part])) && part !== "f:metadata") continue;
    compare(old?.get(part), now?.get(part), [...path, part], found);
  }
}

function toFieldsV1(fields: Fields): Json {
  const tree: Record<string, unknown> = {};
  for (const path of [...fields].map((each) => JSON.parse(each) as readonly string[])) {
    let at = tree;
    for (const part of path) at = (at[part] ??= {}) as Record<string, unknown>;
    at["."] = {};
  }
  return withoutLeafDots(tree);
}

/** Removes the dot from fields without fields below. */
function withoutLeafDots(tree: Json): Json {
  const below = Object.entries(tree).filter(([part]) => part !== ".");
  if (below.length === 0) return {};
  const entries = below.map(([part, each]): [string, unknown] => [part, withoutLeafDots(each as Json)]);
  return Object.fromEntries([...("." in tree ? [[".", {}] as [string, unknown]] : []), ...entries]);
}

function toFields(tree: Json, path: readonly string[] = []): string[] {
  const below = Object.entries(tree);
  if (below.length === 0) return [JSON.stringify(path)];
  return below.flatMap(([part, each]) =>
    part === "." ? [JSON.stringify(path)] : toFields(each as Json, [...path, part]),
  );
}

/**
 * The managed fields after a write.
 * - The writer owns the fields that it added or changed. Removed fields have no owner.
 * - A write that takes no field does not change the writer's time.
 * - A manager without fields is removed. After the last one, managed fields are no longer tracked.
 */
export function managedAfter(
  entries: readonly ManagedFieldsEntry[],
  before: Json | undefined,
  after: Json,
  writer: Pick<ManagedFieldsEntry, "manager" | "apiVersion" | "time">,
): readonly ManagedFieldsEntry[] {
  if (before !== undefined && entries.length === 0) return [];
  const found: Comparison = { taken: new Set(), removed: new Set() };
  compare(before ?? {}, after, [], found);
  const sets = new Map(
    entries.map((entry) => [
      entry.manager,
      {
        entry,
        fields: new Set(
          toFields(entry.fieldsV1).filter((one) => !found.taken.has(one) && !found.removed.has(one)),
        ),
      },
    ]),
  );
  if (found.taken.size > 0) {
    const fields = new Set([...(sets.get(writer.manager)?.fields ?? []), ...found.taken]);
    const entry = {
      ...{ manager: writer.manager, operation: "Update" as const, apiVersion: writer.apiVersion },
      ...{ time: writer.time, fieldsType: "FieldsV1" as const, fieldsV1: {} },
    };
    sets.set(writer.manager, { entry, fields });
  }
  return [...sets.values()]
    .filter(({ fields }) => fields.size > 0)
    .map(({ entry, fields }) => ({ ...entry, fieldsV1: toFieldsV1(fields) }))
    .sort((a, b) => byString(a.time, b.time) || byString(a.manager, b.manager));
}
