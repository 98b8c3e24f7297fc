import type { NamedCluster } from "../../core/settings/cluster.ts";
import { fromHome } from "../../kube/kubeconfig.ts";

/** kubectl's options for a cluster. */
export function kubectlCluster({ kubeconfig, context }: NamedCluster): string[] {
  return [
    ...(kubeconfig === undefined ? [] : ["--kubeconfig", fromHome(kubeconfig)]),
    ...(context === undefined ? [] : ["--context", context]),
  ];
}
