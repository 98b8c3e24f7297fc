import { migrate } from "../../sandbox/trustee/standin/migration.ts";
import type { TestCluster } from "./cluster.ts";

/**
 * The changes of Red Hat's operator 1.2 to these ConfigMaps in its first reconcile.
 * @param stock what it installs, by ConfigMap; null for the reference values, which it converts
 */
export async function redHatUpdate(
  cluster: TestCluster,
  stock: Readonly<Record<string, Readonly<Record<string, string>> | null>>,
): Promise<void> {
  for (const [name, data] of Object.entries(stock)) {
    const { metadata } = await cluster.get("ConfigMap", name);
    const live = {
      name,
      annotations: metadata.annotations ?? {},
      data: (await cluster.data(name)) as Readonly<Record<string, string>>,
    };
    const migrated = migrate(live, data ?? undefined, cluster.clock.now());
    if (migrated === undefined) continue;
    const { backup, next } = migrated;
    cluster.configMap(backup.name, backup.data, {
      metadata: { name: backup.name, annotations: backup.annotations },
    });
    if (data !== null) cluster.delete("ConfigMap", name);
    cluster.configMap(name, next.data, { metadata: { name, annotations: next.annotations } });
  }
}
