import { isRecord } from "../../../core/records.ts";
import type { Json } from "./patches.ts";

/** The fields of the object at a path; empty if there is none. */
export function fieldsAt(object: Json | undefined, ...path: readonly string[]): Json {
  const found = path.reduce<unknown>((at, part) => (isRecord(at) ? at[part] : undefined), object);
  return isRecord(found) ? found : {};
}

/** The elements of a list of objects at a path. */
export function listAt(object: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = fieldsAt(object, ...path.slice(0, -1))[path.at(-1) ?? ""];
  return Array.isArray(found) ? found.filter(isRecord) : [];
}
