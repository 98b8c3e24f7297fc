import * as pulumi from "@pulumi/pulumi";
import { isKubeconfigContent } from "../../core/settings/cluster.ts";

export interface ProviderArgs {
  /** A kubeconfig: the path of a file, or its content, which is kept as a secret. @default kubectl's */
  readonly kubeconfig?: pulumi.Input<string> | undefined;
  /** @default the kubeconfig's current context */
  readonly context?: pulumi.Input<string> | undefined;
  /** A namespace whose UID identifies the cluster, if it may be read. @default the URL identifies it */
  readonly namespace?: string | undefined;
  /** The section of the settings that names its cluster, for messages. @default trustee */
  readonly section?: "podCluster" | undefined;
  /** Whether this stack takes over what another stack of the same name has left. @default false */
  readonly takeOver?: boolean | undefined;
}

/**
 * The local provider `trustee`: edits Trustee's shared objects as no stock resource can do safely. It is part
 * of this repository (`plugins.providers` in Pulumi.yaml), so nothing is downloaded.
 */
export class Provider extends pulumi.ProviderResource {
  /** The ID of its cluster, which does not depend on how the cluster is reached. */
  declare readonly cluster: pulumi.Output<string>;

  constructor(name: string, args: ProviderArgs = {}, opts?: pulumi.ResourceOptions) {
    const kubeconfig = pulumi
      .output(args.kubeconfig)
      .apply((text) => (text !== undefined && isKubeconfigContent(text) ? pulumi.secret(text) : text));
    super("trustee", name, { ...args, kubeconfig: args.kubeconfig && kubeconfig, cluster: undefined }, opts);
  }
}
