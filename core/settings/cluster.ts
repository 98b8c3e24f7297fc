/** Which cluster, as kubectl would be told; with nothing of either it is what kubectl takes. */
export interface NamedCluster {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** What of settings, options or outputs names a cluster; what is not set is left out, and not merely `undefined`. */
export function clusterOf({
  kubeconfig,
  context,
}: Readonly<Partial<Record<keyof NamedCluster, string | undefined>>>): NamedCluster {
  return {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  };
}
