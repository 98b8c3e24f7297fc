import { z } from "zod";
import { isRecord, own } from "../core/records.ts";
import type { ObjectMeta } from "./objects.ts";

/** The fields that one manager owns: `f:data: {f:secret: {}}`. Holds names of fields only, never values. */
const managedField = z.looseObject({
  manager: z.string().default("somebody"),
  subresource: z.string().default(""),
  time: z.string().optional(),
  fieldsV1: z.record(z.string(), z.unknown()).default({}),
});
type ManagedField = z.output<typeof managedField>;

export function managedFields(metadata: ObjectMeta): readonly ManagedField[] {
  const parsed = z.array(managedField).safeParse(metadata.managedFields ?? []);
  return parsed.success ? parsed.data : [];
}

/** The names of a Secret's keys, from its managed fields; `undefined` if they list none. */
export function keysOf(metadata: ObjectMeta): readonly string[] | undefined {
  const keys = managedFields(metadata).flatMap(({ fieldsV1 }) =>
    Object.keys((fieldsV1["f:data"] as object | undefined) ?? {}),
  );
  const names = keys.filter((key) => key.startsWith("f:")).map((key) => key.slice(2));
  return names.length === 0 ? undefined : [...new Set(names)].sort();
}

/** The last writer of a field, and the time of that writer's last change to the object. */
export function lastWriter(
  metadata: ObjectMeta,
  path: readonly string[],
): { readonly at: number; readonly by: string } | undefined {
  const inside = (fields: unknown, name: string): unknown =>
    isRecord(fields) ? own(fields, `f:${name}`) : undefined;
  const writers = managedFields(metadata)
    .filter(({ fieldsV1 }) => path.reduce(inside, fieldsV1) !== undefined)
    .map(({ manager, time }) => ({ at: Math.floor(Date.parse(time ?? "") / 1000), by: manager }))
    .filter(({ at }) => !Number.isNaN(at))
    .sort((a, b) => b.at - a.at);
  return writers[0];
}
