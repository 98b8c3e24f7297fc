import * as pulumi from "@pulumi/pulumi";
import type { StackGrants } from "../../core/policy/grants.ts";
import type { Rotation } from "../../core/rotation/rotation.ts";
import { inPlace } from "./in-place.ts";

interface Target {
  readonly namespace: pulumi.Input<string>;
  readonly configMap: pulumi.Input<string>;
  /** The keys it may be, newest generation of Trustee first; the one that is live is written. */
  readonly candidateKeys: pulumi.Input<pulumi.Input<string>[]>;
}

/** Either a text of one's own, or grants that are merged into a policy which several stacks share. */
export type ConfigMapEntryArgs = Target &
  (
    | { readonly content: pulumi.Input<string> }
    | {
        readonly policy: pulumi.Input<StackGrants>;
        /** Whose former initdata stays accepted until a {@link Retirement} takes it out. @default nobody's */
        readonly rotation?: pulumi.Input<Rotation>;
      }
  );

/**
 * One key's content in somebody else's ConfigMap. Remembers what was there before its first write, and puts that back
 * on destroy unless somebody else has written since.
 */
export class ConfigMapEntry extends pulumi.CustomResource {
  /** The key that is live. */
  declare readonly key: pulumi.Output<string>;
  /** The key's content as it is in the cluster. */
  declare readonly liveContent: pulumi.Output<string>;
  /** The version of the ConfigMap that this resource's last write made; empty where it wrote nothing. */
  declare readonly revision: pulumi.Output<string>;

  constructor(name: string, args: ConfigMapEntryArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      key: undefined,
      liveContent: undefined,
      before: undefined,
      written: undefined,
      revision: undefined,
    };
    super("trustee:index:ConfigMapEntry", name, { ...args, ...outputs }, inPlace(opts));
  }
}
