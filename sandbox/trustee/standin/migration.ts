import { z } from "zod";
import { generationFacts } from "../../../core/trustee/generation.ts";
import { byName, parseJson } from "../../../core/records.ts";
import { MIGRATED_ANNOTATION, MIGRATED_VERSION } from "../../../core/trustee/redhat.ts";
import { configMaps } from "../manifests/installation.ts";
import { type Manifest, NAMESPACE } from "../manifests/objects.ts";
import { type Cluster, ignoringExisting, log, orMissing } from "./cluster.ts";

/** Red Hat's operator 1.2 sets this annotation on its ConfigMaps, and does not migrate those that have it. */
const MIGRATED = { [MIGRATED_ANNOTATION]: MIGRATED_VERSION };

/** The parts of a ConfigMap that the migration changes. */
interface MigratedMap {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
}

interface Migration {
  readonly backup: MigratedMap;
  /**
   * The new content. The reference values are replaced in place; the other ConfigMaps are deleted and
   * recreated.
   */
  readonly next: MigratedMap;
}

const entries = z.array(z.looseObject({ name: z.string().optional() }));

/** JSON with sorted keys, as Go writes a map. */
function sorted(value: object): string {
  return JSON.stringify(Object.fromEntries(Object.entries(value).sort(byName)));
}

/**
 * Converts the list of 1.1 to the map of 1.2.
 * - The last of several entries with one name counts. Entries without a name are dropped.
 * - Values are in base64 of the standard alphabet.
 * @returns undefined if the list is malformed; it then stays as it is
 */
function convertedList(text: string): string | undefined {
  const list = entries.safeParse(parseJson(text)).data;
  if (list === undefined) return undefined;
  const named = list.flatMap(({ version: _, ...entry }): [string, string][] =>
    entry.name === undefined ? [] : [[entry.name, Buffer.from(sorted(entry)).toString("base64")]],
  );
  const map = Object.fromEntries(Object.entries(Object.fromEntries(named)).sort(byName));
  return named.length === 0 ? "{}" : JSON.stringify(map, null, 2);
}

/**
 * How a reconcile of Red Hat's operator 1.2 changes a ConfigMap.
 * @param stock the content that 1.2 installs instead; undefined for the reference values
 * @param now the backup's timestamp
 * @returns undefined if it changes nothing
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

const REFERENCE_VALUES = "trusteeconfig-rvps-reference-values";

function object({ name, annotations, data }: MigratedMap, owner: readonly object[] | undefined): object {
  const ownerReferences = owner === undefined ? {} : { ownerReferences: owner };
  return { metadata: { name, namespace: NAMESPACE, annotations, ...ownerReferences }, data };
}

async function migrateOne({ core }: Cluster, stock: Manifest, now: Date): Promise<void> {
  const { name } = stock.metadata;
  const live = await orMissing(core.readNamespacedConfigMap({ name, namespace: NAMESPACE }));
  if (live === undefined) return;
  const inPlace = name === REFERENCE_VALUES;
  const map = { name, annotations: live.metadata?.annotations ?? {}, data: live.data ?? {} };
  const installed = stock["data"] as Readonly<Record<string, string>>;
  const migration = migrate(map, inPlace ? undefined : installed, now);
  if (migration === undefined) return;
  log(`migrating ConfigMap ${name} from 1.1`);
  const owner = live.metadata?.ownerReferences;
  const create = async (body: object): Promise<void> =>
    ignoringExisting(core.createNamespacedConfigMap({ namespace: NAMESPACE, body }));
  await create(object(migration.backup, owner));
  const next = object(migration.next, owner);
  if (inPlace) {
    await core.replaceNamespacedConfigMap({ name, namespace: NAMESPACE, body: next });
    return;
  }
  await core.deleteNamespacedConfigMap({ name, namespace: NAMESPACE });
  await create(next);
}

/**
 * The migration that Red Hat's operator 1.2 runs in every reconcile. It treats each of its ConfigMaps without its
 * annotation as one of 1.1, even if something else wrote it.
 * - It copies the ConfigMap to `<name>.v1.1` and restores the stock content.
 * - It converts reference values instead of replacing them.
 */
export async function migrateConfigMaps(cluster: Cluster, now: Date): Promise<void> {
  const stock = await configMaps({ generation: "0.21", operator: "red-hat", fresh: true }, []);
  for (const manifest of stock) await migrateOne(cluster, manifest, now);
}
