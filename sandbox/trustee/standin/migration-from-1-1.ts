import { configMaps } from "../manifests/installation.ts";
import { type Manifest, NAMESPACE } from "../manifests/objects.ts";
import { type Cluster, ignoringExisting, log, orMissing } from "./cluster.ts";
import { migrate, type MigratedMap } from "./migration.ts";

/** Changed in place; the others are deleted and made anew. */
const REFERENCE_VALUES = "trusteeconfig-rvps-reference-values";

function object({ name, annotations, data }: MigratedMap, owner: readonly object[] | undefined): object {
  const ownerReferences = owner === undefined ? {} : { ownerReferences: owner };
  return { metadata: { name, namespace: NAMESPACE, annotations, ...ownerReferences }, data };
}

async function migrateOne(cluster: Cluster, stock: Manifest, now: Date): Promise<void> {
  const { name } = stock.metadata;
  const live = await orMissing(cluster.core.readNamespacedConfigMap({ name, namespace: NAMESPACE }));
  if (live === undefined) return;
  const inPlace = name === REFERENCE_VALUES;
  const map = { name, annotations: live.metadata?.annotations ?? {}, data: live.data ?? {} };
  const installed = stock["data"] as Readonly<Record<string, string>>;
  const migration = migrate(map, inPlace ? undefined : installed, now);
  if (migration === undefined) return;
  log(`migrating ConfigMap ${name} from 1.1`);
  const owner = live.metadata?.ownerReferences;
  const create = async (body: object): Promise<void> =>
    ignoringExisting(cluster.core.createNamespacedConfigMap({ namespace: NAMESPACE, body }));
  await create(object(migration.backup, owner));
  const next = object(migration.next, owner);
  if (inPlace) {
    await cluster.core.replaceNamespacedConfigMap({ name, namespace: NAMESPACE, body: next });
    return;
  }
  await cluster.core.deleteNamespacedConfigMap({ name, namespace: NAMESPACE });
  await create(next);
}

/**
 * What Red Hat's operator 1.2 does in every reconcile: each of its ConfigMaps that lacks its mark is one of 1.1 to it, whoever
 * wrote what is in it. It is copied to `<name>.v1.1` and put back to the stock one; reference values are converted.
 */
export async function migrateConfigMaps(cluster: Cluster, now: Date): Promise<void> {
  const stock = await configMaps({ generation: "0.21", operator: "red-hat", fresh: true }, []);
  for (const manifest of stock) await migrateOne(cluster, manifest, now);
}
