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

/** A Deployment of one pod that mounts nothing. */
export function plainDeployment(
  cluster: TestCluster,
  name: string,
  labels: Readonly<Record<string, string>>,
): void {
  cluster.apply({
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } },
    },
  });
}
