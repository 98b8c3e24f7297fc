import * as pulumi from "@pulumi/pulumi";
import { inPlace } from "./in-place.ts";

export interface KbsSecretEntryArgs {
  readonly namespace: pulumi.Input<string>;
  /** The KbsConfig's name. */
  readonly kbsConfig: pulumi.Input<string>;
  /** The Secret's name in `spec.kbsSecretResources`. */
  readonly secret: pulumi.Input<string>;
  /**
   * True if this program creates the Secret. Then it may be missing at preview. Otherwise a missing Secret is
   * an error, because a listed Secret that does not exist makes every reconcile of the KBS fail.
   */
  readonly secretIsCreated: pulumi.Input<boolean>;
  /** The stack's identity, which tells it from another stack of the same name. @default none */
  readonly identity?: pulumi.Input<string | undefined>;
}

/** One name in `spec.kbsSecretResources`. Destroy removes it only if this resource added it. */
export class KbsSecretEntry extends pulumi.CustomResource {
  /** Whether this resource added the name to the list. */
  declare readonly added: pulumi.Output<boolean>;
  /** The version of the KbsConfig after this resource's last write; empty if it wrote nothing. */
  declare readonly revision: pulumi.Output<string>;

  constructor(name: string, args: KbsSecretEntryArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { added: undefined, present: undefined, revision: undefined };
    super("trustee:index:KbsSecretEntry", name, { ...args, ...outputs }, inPlace(opts));
  }
}
