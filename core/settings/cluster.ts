import { defined } from "../records.ts";

/** A cluster, named as for kubectl. Without both members it is kubectl's default. */
export interface NamedCluster {
  /**
   * A kubeconfig: the path of a file, or its content.
   * @default $KUBECONFIG, ~/.kube/config or the pod's account
   */
  readonly kubeconfig?: string | undefined;
  /** @default the kubeconfig's current context */
  readonly context?: string | undefined;
}

/** Takes a cluster's members from settings, options or outputs; omits those that are undefined. */
export function clusterOf({ kubeconfig, context }: NamedCluster): NamedCluster {
  return defined({ kubeconfig, context });
}

/** Fields of every kubeconfig, in YAML or JSON. */
const FIELDS = /\b(apiVersion|clusters|contexts|users)["']?\s*:/;

/** Whether a text is a kubeconfig, plain or base64, and not a path. It may hold keys and tokens. */
export function isKubeconfigContent(text: string): boolean {
  if (/[\r\n]/.test(text) || /^\s*\{/.test(text)) return true;
  return FIELDS.test(text) || FIELDS.test(Buffer.from(text, "base64").toString("utf8"));
}
