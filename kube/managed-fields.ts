import { z } from "zod";
import type { ObjectMeta } from "./objects.ts";

/** What one writer manages of an object: `f:data: {f:secret: {}}`; names of fields only, never a value. */
const managedField = z.looseObject({
  manager: z.string().default("somebody"),
  subresource: z.string().default(""),
  time: z.string().optional(),
  fieldsV1: z.record(z.string(), z.unknown()).default({}),
});
export type ManagedField = z.output<typeof managedField>;

export function managedFields(metadata: ObjectMeta): readonly ManagedField[] {
  const parsed = z.array(managedField).safeParse(metadata.managedFields ?? []);
  return parsed.success ? parsed.data : [];
}

/** The names of a Secret's keys, as its writers' managed fields name them; `undefined` if no writer names any. */
export function keysOf(metadata: ObjectMeta): readonly string[] | undefined {
  const keys = managedFields(metadata).flatMap(({ fieldsV1 }) =>
    Object.keys((fieldsV1["f:data"] as object | undefined) ?? {}),
  );
  const names = keys.filter((key) => key.startsWith("f:")).map((key) => key.slice(2));
  return names.length === 0 ? undefined : [...new Set(names)].sort();
}
