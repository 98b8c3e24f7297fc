import { isRecord, own } from "../../core/records.ts";
import { z } from "zod";
import type { ObjectMeta } from "../../kube/objects.ts";
import { managedField, type ManagedField } from "./shapes.ts";

/** Whole seconds since 1970 of an API server's time; NaN if there is none. */
export function seconds(time: string | undefined): number {
  return Math.floor(Date.parse(time ?? "") / 1000);
}

function managedFields(metadata: ObjectMeta): readonly ManagedField[] {
  const parsed = z.array(managedField).safeParse(metadata.managedFields ?? []);
  return parsed.success ? parsed.data : [];
}

/** When the object was last written, by the newest of its writers; its creation at least. */
export function lastWritten(metadata: ObjectMeta): number {
  const times = [metadata.creationTimestamp, ...(metadata.managedFields ?? []).map(({ time }) => time)]
    .map(seconds)
    .filter((time) => !Number.isNaN(time));
  return times.length === 0 ? 0 : Math.max(...times);
}

function child(value: unknown, name: string): unknown {
  return isRecord(value) ? own(value, name) : undefined;
}

/** Who last wrote an annotation, and when that writer last wrote anything of the object. */
export function annotationWriter(
  metadata: ObjectMeta,
  annotation: string,
): { readonly at: number; readonly by: string } | undefined {
  const writers = managedFields(metadata)
    .filter(
      ({ fieldsV1 }) =>
        child(child(child(fieldsV1, "f:metadata"), "f:annotations"), `f:${annotation}`) !== undefined,
    )
    .map(({ manager, time }) => ({ at: seconds(time), by: manager }))
    .filter(({ at }) => !Number.isNaN(at))
    .sort((a, b) => b.at - a.at);
  return writers[0];
}
