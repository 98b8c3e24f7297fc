import type { ObservedDeployment } from "./observation.ts";

/** The Secrets that a Deployment's template and its pods mount. */
export interface Mounts {
  readonly deployment: Pick<
    ObservedDeployment,
    "generation" | "observedGeneration" | "currentReplicas" | "updatedReplicas" | "mountedSecrets"
  >;
  /** Pod -> the Secrets that it mounts, for every pod that has not ended. */
  readonly mounts: Readonly<Record<string, readonly string[]>>;
}

/**
 * What may still serve any of these Secrets, one line each; empty: no KBS does or will. A terminating pod
 * still answers, and while pods of a previous template exist, another one may follow.
 */
export function stillServing({ deployment, mounts }: Mounts, secrets: readonly string[]): readonly string[] {
  const { generation, observedGeneration, currentReplicas, updatedReplicas } = deployment;
  const named = (mounted: readonly string[]): string =>
    secrets
      .filter((secret) => mounted.includes(secret))
      .map((secret) => `"${secret}"`)
      .join(", ");
  const template = named(deployment.mountedSecrets);
  const pods = Object.entries(mounts).flatMap(([pod, mounted]) => {
    const found = named(mounted);
    return found === "" ? [] : [`pod ${pod} still mounts ${found}`];
  });
  const all = [...(template === "" ? [] : [`the operator still mounts ${template}`]), ...pods];
  if (all.length > 0) return all;
  return observedGeneration >= generation && currentReplicas === updatedReplicas
    ? []
    : ["its rollout is under way"];
}
