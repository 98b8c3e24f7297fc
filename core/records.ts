/** Helpers for records and for unknown values. */

/** Whether a value is an object with fields: not null, not an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parses JSON; `undefined` if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** A record's own member. Inherited members, for example `constructor`, do not count as entries. */
export function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

/** The same names with other values; safe with any name, `__proto__` included. */
export function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  change: (value: From, name: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]));
}

/** The record with only these members. */
export function pick<T>(record: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)));
}

/** The fields that may be undefined are optional instead. */
export type Defined<T> = {
  [Name in keyof T as undefined extends T[Name] ? never : Name]: T[Name];
} & { [Name in keyof T as undefined extends T[Name] ? Name : never]?: Exclude<T[Name], undefined> };

/** The same record without the fields that are undefined. */
export function defined<T extends object>(record: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== undefined),
  ) as unknown as Defined<T>;
}

/** A map as a record. */
export function asRecord<From, To>(
  map: ReadonlyMap<string, From>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries([...map].map(([name, value]) => [name, change(value)]));
}

/** The map's value for a name; adds it if missing. Takes a map because a name may be `__proto__`. */
export function getOrAdd<T>(map: Map<string, T>, name: string, make: () => T): T {
  const found = map.get(name) ?? make();
  map.set(name, found);
  return found;
}

/** For `sort`: by code units, independent of the locale. */
export function byString(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** For `sort`: entries by their names. */
export function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return byString(a, b);
}
