/** As far as it is read here, one entry of an object's `metadata.managedFields`: what one field manager has written. */
export interface ManagedFieldsEntry {
  readonly manager?: string | undefined;
  /** When that manager last changed a field: RFC 3339, whole seconds, by the API server's clock. */
  readonly time?: string | undefined;
}

/** What the field managers of Pulumi's Kubernetes provider begin with: it adds a random suffix for each resource. */
const PULUMI = "pulumi-kubernetes";

/** Whether a field manager is Pulumi's Kubernetes provider, of whatever program. */
export function isPulumi(manager: string): boolean {
  return manager === PULUMI || manager.startsWith(`${PULUMI}-`);
}

/**
 * When the field managers that are ours last changed an object, as `managedFields` say it: an apply or a patch that changes
 * nothing leaves that time as it is (Kubernetes, server-side apply), and so does whatever others write.
 * @returns RFC 3339; `undefined` if it is not known that they ever did
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
