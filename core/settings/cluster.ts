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

/** Fields of every kubeconfig, as YAML or JSON has them. */
const FIELDS = /\b(apiVersion|clusters|contexts|users)["']?\s*:/;

/** Whether a text is a kubeconfig itself, as it is or in base64, and not the path of one: it may hold keys and tokens. */
export function isKubeconfigContent(text: string): boolean {
  if (/[\r\n]/.test(text) || /^\s*\{/.test(text)) return true;
  return FIELDS.test(text) || FIELDS.test(Buffer.from(text, "base64").toString("utf8"));
}
