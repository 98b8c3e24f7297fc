import { fromHome } from "../../kube/kubeconfig.ts";

/** A cluster, as a stack's outputs or a command line name it. */
export interface NamedCluster {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

/** kubectl's options for a cluster. */
export function kubectlCluster({ kubeconfig, context }: NamedCluster): string[] {
  return [
    ...(kubeconfig === undefined ? [] : ["--kubeconfig", fromHome(kubeconfig)]),
    ...(context === undefined ? [] : ["--context", context]),
  ];
}
