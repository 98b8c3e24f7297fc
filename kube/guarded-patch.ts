import { isRecord, own } from "../core/records.ts";
import type { KubeObject } from "./objects.ts";

/** The path of a field, for example `["data", "policy.rego"]`. */
export type FieldPath = readonly string[];

/** One operation of a JSON patch (RFC 6902). */
export type JsonPatchOperation =
  | { readonly op: "test" | "add"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string };

function pointer(path: FieldPath): string {
  return path.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function valueAt(object: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>((value, part) => (isRecord(value) ? own(value, part) : undefined), object);
}

/** The fields that a merge patch sets, or removes with `null`. */
function leavesOf(patch: unknown, path: FieldPath = []): { path: FieldPath; value: unknown }[] {
  if (!isRecord(patch)) return [{ path, value: patch }];
  return Object.entries(patch).flatMap(([part, value]) => leavesOf(value, [...path, part]));
}

/** The path itself, or its first missing parent. */
function deepest(live: KubeObject, path: FieldPath): FieldPath {
  const missing = path.findIndex((_, index) => valueAt(live, path.slice(0, index + 1)) === undefined);
  return missing === -1 ? path : path.slice(0, missing + 1);
}

/**
 * Turns a merge patch into a JSON patch. It fails if a field that it builds on has changed since the read.
 * Other fields may change: it is for objects that another client keeps writing. A test for `null` passes if
 * the field is missing.
 * @param basis the fields that the merge has read; those that the patch writes are added
 */
export function guardedPatch(
  live: KubeObject,
  basis: readonly FieldPath[],
  patch: Readonly<Record<string, unknown>>,
): readonly JsonPatchOperation[] {
  const leaves = leavesOf(patch);
  const looked = [["metadata", "uid"], ...basis, ...leaves.map(({ path }) => path)].map((path) =>
    deepest(live, path),
  );
  const tested = new Map(looked.map((path) => [pointer(path), valueAt(live, path) ?? null]));
  const operations: JsonPatchOperation[] = [...tested].map(([path, value]) => ({ op: "test", path, value }));
  const made = new Set<string>();
  for (const { path, value } of leaves) {
    for (let depth = 1; depth < path.length; depth += 1) {
      const parent = path.slice(0, depth);
      if (valueAt(live, parent) !== undefined || made.has(pointer(parent)) || value === null) continue;
      operations.push({ op: "add", path: pointer(parent), value: {} });
      made.add(pointer(parent));
    }
    if (value !== null) operations.push({ op: "add", path: pointer(path), value });
    else if (valueAt(live, path) !== undefined) operations.push({ op: "remove", path: pointer(path) });
  }
  return operations;
}
