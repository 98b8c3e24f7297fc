import { isRecord, own } from "../../core/records.ts";
import { managedFields } from "../../kube/managed-fields.ts";
import type { ObjectMeta } from "../../kube/objects.ts";

/** An API server's time in whole seconds since 1970; NaN: no time. */
export function seconds(time: string | undefined): number {
  return Math.floor(Date.parse(time ?? "") / 1000);
}

/** The time of the object's last write, or of its creation. */
export function lastWritten(metadata: ObjectMeta): number {
  const times = [metadata.creationTimestamp, ...(metadata.managedFields ?? []).map(({ time }) => time)]
    .map(seconds)
    .filter((time) => !Number.isNaN(time));
  return times.length === 0 ? 0 : Math.max(...times);
}

function child(value: unknown, name: string): unknown {
  return isRecord(value) ? own(value, name) : undefined;
}

/** The last writer of an annotation, and the time of that writer's last change to the object. */
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
