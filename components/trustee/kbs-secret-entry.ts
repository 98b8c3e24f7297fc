import * as pulumi from "@pulumi/pulumi";
import { inPlace } from "./in-place.ts";

export interface KbsSecretEntryArgs {
  readonly namespace: pulumi.Input<string>;
  /** The KbsConfig's name. */
  readonly kbsConfig: pulumi.Input<string>;
  /** The Secret's name, as it is to stand in `spec.kbsSecretResources`. */
  readonly secret: pulumi.Input<string>;
  /**
   * True if this program creates the Secret: then it may still be missing at preview. Otherwise a missing Secret is
   * an error, since one listed Secret that does not exist makes every reconcile of the KBS fail.
   */
  readonly secretIsCreated: pulumi.Input<boolean>;
  /** What the stack's state tells it from another one of the same name by. @default nothing */
  readonly identity?: pulumi.Input<string | undefined>;
}

/** One name in `spec.kbsSecretResources`. On destroy it is taken out only if this resource had put it in. */
export class KbsSecretEntry extends pulumi.CustomResource {
  /** Whether this resource put the name into the list. */
  declare readonly added: pulumi.Output<boolean>;
  /** The version of the KbsConfig that this resource's last write made; empty where it wrote nothing. */
  declare readonly revision: pulumi.Output<string>;

  constructor(name: string, args: KbsSecretEntryArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { added: undefined, present: undefined, revision: undefined };
    super("trustee:index:KbsSecretEntry", name, { ...args, ...outputs }, inPlace(opts));
  }
}
