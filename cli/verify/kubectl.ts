import { fromHome } from "../../kube/kubeconfig.ts";

/** Which cluster, as a stack's outputs or a command line name it. */
export interface NamedCluster {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

/** The options by which kubectl is told of a cluster. */
export function kubectlCluster({ kubeconfig, context }: NamedCluster): string[] {
  return [
    ...(kubeconfig === undefined ? [] : ["--kubeconfig", fromHome(kubeconfig)]),
    ...(context === undefined ? [] : ["--context", context]),
  ];
}
