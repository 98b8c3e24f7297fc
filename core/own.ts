/**
 * What a record holds itself under a name that a user gave: one that every object inherits, e.g. `constructor`, is so
 * not mistaken for an entry.
 */
export function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}
