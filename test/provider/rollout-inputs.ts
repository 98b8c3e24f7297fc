import { trusteeNames } from "../../core/trustee/generation.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import type { TestCluster } from "./cluster.ts";

/** The inputs of a `Rollout` of the operator's KBS that follows both ConfigMaps and these Secrets. */
export const kbsRollout = (
  changes: Readonly<Record<string, string>>,
  secrets: readonly string[] = [],
  more: PropertyMap = {},
): PropertyMap => ({
  namespace: trusteeNames.namespace,
  deployment: trusteeNames.deployment,
  changes,
  after: [
    { kind: "ConfigMap", name: trusteeNames.resourcePolicy },
    { kind: "ConfigMap", name: trusteeNames.referenceValues },
    ...secrets.map((name) => ({ kind: "Secret", name })),
  ],
  secrets,
  timeoutMinutes: 2,
  ...more,
});

/** A Deployment whose pods mount nothing. */
export function plainDeployment(
  cluster: TestCluster,
  name: string,
  labels: object,
  replicas = 1,
  volumes: readonly object[] = [],
): void {
  const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }], volumes } };
  const spec = { replicas, selector: { matchLabels: labels }, template };
  cluster.apply({ kind: "Deployment", metadata: { name }, spec });
}
