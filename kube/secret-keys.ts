import { byString, isRecord } from "../core/records.ts";
import type { ObjectMeta } from "./objects.ts";

/**
 * The names of a Secret's keys, as its writers' managed fields name them, so that its data need not be read; `undefined` if no writer
 * names any.
 */
export function keysOf({ managedFields = [] }: ObjectMeta): readonly string[] | undefined {
  const names = managedFields.flatMap(({ fieldsV1 }) => {
    const data = isRecord(fieldsV1) ? fieldsV1["f:data"] : undefined;
    return isRecord(data)
      ? Object.keys(data).flatMap((key) => (key.startsWith("f:") ? [key.slice(2)] : []))
      : [];
  });
  return names.length === 0 ? undefined : [...new Set(names)].sort(byString);
}
