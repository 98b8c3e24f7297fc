/** The relevant part of an entry in an object's `metadata.managedFields`: what one field manager wrote. */
export interface ManagedFieldsEntry {
  readonly manager?: string | undefined;
  /** When that manager last changed a field, on the API server's clock: RFC 3339, whole seconds. */
  readonly time?: string | undefined;
}

/** The field managers of Pulumi's Kubernetes provider, which adds a random suffix per resource. */
const PULUMI = "pulumi-kubernetes";

/** Whether a field manager is Pulumi's Kubernetes provider, in any program. */
export function isPulumi(manager: string): boolean {
  return manager === PULUMI || manager.startsWith(`${PULUMI}-`);
}

/**
 * When our field managers last changed an object, by its `managedFields`. An apply or patch without changes
 * keeps the time (server-side apply), and so do writes of others.
 * @returns RFC 3339; `undefined` if unknown
 */
export function lastOwnWrite(
  managedFields: readonly ManagedFieldsEntry[] | undefined,
  isOurs: (manager: string) => boolean,
): string | undefined {
  const times = (managedFields ?? []).flatMap(({ manager = "", time }) =>
    isOurs(manager) && time !== undefined && !Number.isNaN(Date.parse(time)) ? [time] : [],
  );
  return times.sort((a, b) => Date.parse(b) - Date.parse(a))[0];
}
