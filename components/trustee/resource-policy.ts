import * as pulumi from "@pulumi/pulumi";
import type { StackGrants } from "../../core/policy/grants.ts";
import type { Rotation } from "../../core/rotation/rotation.ts";
import { inPlace } from "./in-place.ts";

export interface ResourcePolicyArgs {
  readonly namespace: pulumi.Input<string>;
  readonly configMap: pulumi.Input<string>;
  /** The possible keys, newest first. The live one is written. */
  readonly candidateKeys: pulumi.Input<pulumi.Input<string>[]>;
  /** Merged into the policy, which several stacks share. */
  readonly policy: pulumi.Input<StackGrants>;
  /** Readers whose previous initdata stays accepted until a {@link Retirement} removes it. @default none */
  readonly rotation?: pulumi.Input<Rotation>;
  /** The KbsConfig's name. */
  readonly kbsConfig: pulumi.Input<string>;
  /** The Deployment of the KBS. */
  readonly deployment: pulumi.Input<string>;
  /**
   * The stack's secrets in the KbsConfig. If a restricted secret is neither here nor in the policy any more,
   * it is removed from the KBS before its restriction goes. @default the restriction goes at once
   */
  readonly registered?: pulumi.Input<pulumi.Input<string>[]>;
  /** How long the KBS may take to stop serving such a secret. */
  readonly timeoutMinutes: pulumi.Input<number>;
  /** The stack's identity, which tells it from another stack of the same name. @default none */
  readonly identity?: pulumi.Input<string | undefined>;
}

/** The name of this resource in an older release. With the alias, the engine updates it in place. */
const formerly: pulumi.Alias = { type: "trustee:index:ConfigMapEntry" };

/**
 * The KBS's resource policy: one key of a ConfigMap of the Trustee operator. Records the content from before
 * the first stack, and restores it on destroy unless another client has written since.
 */
export class ResourcePolicy extends pulumi.CustomResource {
  /** The live key. */
  declare readonly key: pulumi.Output<string>;
  /** The live policy. */
  declare readonly liveContent: pulumi.Output<string>;
  /** The version of the ConfigMap after this resource's last write; empty if it wrote nothing. */
  declare readonly revision: pulumi.Output<string>;

  constructor(name: string, args: ResourcePolicyArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      key: undefined,
      liveContent: undefined,
      before: undefined,
      written: undefined,
      revision: undefined,
    };
    const aliased = pulumi.mergeOptions({ aliases: [formerly] }, opts);
    super("trustee:index:ResourcePolicy", name, { ...args, ...outputs }, inPlace(aliased));
  }
}
