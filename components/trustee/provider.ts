import * as pulumi from "@pulumi/pulumi";
import { isKubeconfigContent } from "../../core/settings/cluster.ts";

export interface ProviderArgs {
  /** A kubeconfig: the path of a file, or its content, which is kept as a secret. @default what kubectl takes */
  readonly kubeconfig?: pulumi.Input<string> | undefined;
  /** @default the kubeconfig's current context */
  readonly context?: pulumi.Input<string> | undefined;
  /** Whether what another stack of the same name has left is taken over. @default false */
  readonly takeOver?: boolean | undefined;
}

/**
 * The local provider `trustee`: makes the edits to Trustee's shared objects that no stock resource can make safely.
 * It is served from this repository (`plugins.providers` in Pulumi.yaml), so nothing is downloaded.
 */
export class Provider extends pulumi.ProviderResource {
  constructor(name: string, args: ProviderArgs = {}, opts?: pulumi.ResourceOptions) {
    const kubeconfig = pulumi
      .output(args.kubeconfig)
      .apply((text) => (text !== undefined && isKubeconfigContent(text) ? pulumi.secret(text) : text));
    super("trustee", name, { ...args, kubeconfig: args.kubeconfig && kubeconfig }, opts);
  }
}
