import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../../../core/records.ts";
import type { JsonPatchOperation } from "../../../kube/guarded-patch.ts";

export type Json = Readonly<Record<string, unknown>>;

/** RFC 7386. */
export function mergePatched(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged = new Map(Object.entries(isRecord(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatched(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

/** Characters that Go's encoder escapes. The API server compares a tested text with its escaped encoding. */
const ESCAPED_BY_GO = /[<>&\u2028\u2029]/;

/**
 * RFC 6902, for nested objects.
 * @param text the patch as it was sent
 * @returns undefined if a test fails, or a path does not exist
 */
export function jsonPatched(
  target: Json,
  operations: readonly JsonPatchOperation[],
  text: string,
): Json | undefined {
  let patched: Json | undefined = target;
  for (const operation of operations) {
    if (patched === undefined) return undefined;
    const path = operation.path
      .slice(1)
      .split("/")
      .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (operation.op !== "test") patched = changedAt(patched, path, operation);
    else if (!holds(patched, path, operation.value, text)) return undefined;
  }
  return patched;
}

function holds(target: Json, path: readonly string[], value: unknown, text: string): boolean {
  const found = path.reduce<unknown>((at, part) => (isRecord(at) ? at[part] : undefined), target);
  if (typeof value === "string" && ESCAPED_BY_GO.test(value) && ESCAPED_BY_GO.test(text)) return false;
  return isDeepStrictEqual(found ?? null, value);
}

function changedAt(
  target: Json,
  [name = "", ...rest]: readonly string[],
  operation: JsonPatchOperation,
): Json | undefined {
  const here = target[name];
  if (rest.length > 0) {
    const below = isRecord(here) ? changedAt(here, rest, operation) : undefined;
    return below === undefined ? undefined : { ...target, [name]: below };
  }
  if (operation.op !== "remove") return { ...target, [name]: operation.value };
  if (here === undefined) return undefined;
  const { [name]: _, ...others } = target;
  return others;
}
