import * as pulumi from "@pulumi/pulumi";
import type { StackGrants } from "../../core/policy/grants.ts";
import type { Rotation } from "../../core/rotation/rotation.ts";
import { inPlace } from "./in-place.ts";

export interface ResourcePolicyArgs {
  readonly namespace: pulumi.Input<string>;
  readonly configMap: pulumi.Input<string>;
  /** The keys it may be, the newest first; the one that is live is written. */
  readonly candidateKeys: pulumi.Input<pulumi.Input<string>[]>;
  /** Merged into the policy, which several stacks share. */
  readonly policy: pulumi.Input<StackGrants>;
  /** Whose former initdata stays accepted until a {@link Retirement} takes it out. @default nobody's */
  readonly rotation?: pulumi.Input<Rotation>;
  /** The KbsConfig's name. */
  readonly kbsConfig: pulumi.Input<string>;
  /** The KBS's. */
  readonly deployment: pulumi.Input<string>;
  /**
   * The secrets that the stack has in the KbsConfig: one that was restricted, and is neither here nor in the policy any more, goes from
   * the KBS before its restriction does. @default its restriction goes at once
   */
  readonly registered?: pulumi.Input<pulumi.Input<string>[]>;
  /** How long the KBS may take to give a secret up. */
  readonly timeoutMinutes: pulumi.Input<number>;
  /** What the stack's state tells it from another one of the same name by. @default nothing */
  readonly identity?: pulumi.Input<string | undefined>;
}

/** What an older version called this resource. With the alias the engine updates it in place. */
const formerly: pulumi.Alias = { type: "trustee:index:ConfigMapEntry" };

/**
 * The KBS's resource policy: one key of a ConfigMap of the Trustee operator's. Remembers what was there before the first
 * stack wrote, and puts that back on destroy unless somebody else has written since.
 */
export class ResourcePolicy extends pulumi.CustomResource {
  /** The key that is live. */
  declare readonly key: pulumi.Output<string>;
  /** The policy as it is in the cluster. */
  declare readonly liveContent: pulumi.Output<string>;
  /** The version of the ConfigMap that this resource's last write made; empty where it wrote nothing. */
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
