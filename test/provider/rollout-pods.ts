import { expect } from "vitest";
import type { TestCluster } from "./cluster.ts";

interface Pod {
  readonly name: string;
  readonly createdAt: string;
}

/** The pods of an app that are not terminating, by name. */
export async function podsOf(cluster: TestCluster, app = "kbs"): Promise<readonly Pod[]> {
  const pods = await cluster.kube.list("Pod", cluster.namespace, `app=${app}`);
  return pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => ({ name: metadata.name, createdAt: metadata.creationTimestamp ?? "" }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** As many pods as before, all of them new. */
export function expectAllNew(now: readonly Pod[], before: readonly Pod[]): void {
  expect(now).toHaveLength(before.length);
  expect(now.filter(({ name }) => before.some((pod) => pod.name === name))).toStrictEqual([]);
}
