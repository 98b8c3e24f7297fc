import { z } from "zod";
import { generationFacts } from "../../../core/trustee/generation.ts";
import { parseJson } from "../../../core/records.ts";
import { MIGRATED_ANNOTATION, MIGRATED_VERSION } from "../../../core/trustee/redhat.ts";

/** What Red Hat's operator 1.2 marks a ConfigMap with that it takes for its own, and leaves alone from then on. */
export const MIGRATED = { [MIGRATED_ANNOTATION]: MIGRATED_VERSION };

/** A ConfigMap as far as it is migrated. */
export interface MigratedMap {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
}

/** What becomes of a ConfigMap. */
export interface Migration {
  readonly backup: MigratedMap;
  /** What it is then: the reference values are changed in place, the others are deleted and made anew. */
  readonly next: MigratedMap;
}

const entries = z.array(z.looseObject({ name: z.string().optional() }));

/** JSON with sorted keys, as Go writes a map. */
function sorted(value: object): string {
  return JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/**
 * The list of 1.1 as the map of 1.2: of several entries of one name the last, none without a name, in base64 of the standard
 * alphabet. Undefined for a list that cannot be read, which is left as it is.
 */
function convertedList(text: string): string | undefined {
  const list = entries.safeParse(parseJson(text)).data;
  if (list === undefined) return undefined;
  const named = list.flatMap(({ version: _, ...entry }): [string, string][] =>
    entry.name === undefined ? [] : [[entry.name, Buffer.from(sorted(entry)).toString("base64")]],
  );
  const map = Object.fromEntries(
    Object.entries(Object.fromEntries(named)).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  return named.length === 0 ? "{}" : JSON.stringify(map, null, 2);
}

/**
 * What Red Hat's operator 1.2 does to a ConfigMap of 1.1 in a reconcile, whoever wrote into it; undefined: nothing.
 * @param stock what 1.2 installs in its place; not for the reference values
 * @param now for the backup
 */
export function migrate(
  { name, annotations, data }: MigratedMap,
  stock: Readonly<Record<string, string>> | undefined,
  now: Date,
): Migration | undefined {
  if (Object.keys(MIGRATED).every((annotation) => Object.hasOwn(annotations, annotation))) return undefined;
  const time = now
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, " +0000 UTC");
  const copied = {
    ...annotations,
    "kbs.confidentialcontainers.org/backup-of": name,
    "kbs.confidentialcontainers.org/backup-timestamp": time,
  };
  const backup = { name: `${name}.v1.1`, annotations: copied, data };
  if (stock !== undefined) return { backup, next: { name, annotations: MIGRATED, data: stock } };
  const [from, to] = [generationFacts["0.18"].referenceValuesKey, generationFacts["0.21"].referenceValuesKey];
  const { [from]: list, ...others } = data;
  const text = list === undefined ? undefined : convertedList(list);
  if (text === undefined) return undefined;
  return { backup, next: { name, annotations: { ...copied, ...MIGRATED }, data: { ...others, [to]: text } } };
}
