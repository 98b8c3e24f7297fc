import * as pulumi from "@pulumi/pulumi";
import type { StackGrants } from "../core/policy/grants.ts";
import type { Rotation } from "../core/rotation/rotation.ts";
import { trusteeNames } from "../core/trustee/generation.ts";
import * as trustee from "./trustee/index.ts";

export interface ResourcePolicyArgs {
  /** Who may read what: the readers by their claim `init_data`. Merged with the grants of other stacks. */
  readonly grants: StackGrants;
  /** The key that Trustee reads, as `getTrustee` finds it. */
  readonly key: string;
  /** @default `trustee-operator-system` */
  readonly namespace?: string;
  /** @default `trusteeconfig-kbs-config` */
  readonly kbsConfig?: string;
  /** @default `trustee-deployment` */
  readonly deployment?: string;
  /** The ConfigMap, as `getTrustee` finds it. @default `trusteeconfig-resource-policy` */
  readonly configMap?: string;
  /** What the stack's state tells it from another one of the same name by. @default nothing */
  readonly identity?: string;
  /** Whose former initdata stays accepted until an {@link InitdataRotation} takes it out. @default nobody's */
  readonly rotation?: Rotation;
  /**
   * Every secret that the stack has in the KbsConfig. One that was restricted, and is neither here nor in the grants any more, goes
   * from the KbsConfig and from every KBS before its restriction does. @default its restriction goes at once
   */
  readonly registered?: readonly string[];
  /** How long the KBS may take to give such a secret up. @default 10 */
  readonly timeoutMinutes?: number;
}

/**
 * The KBS's resource policy. Several stacks share it: each one's grants stand in a line of their own, and on destroy what
 * was there before the first of them comes back. Make the secrets that it restricts depend on it. Needs the provider `trustee`, by `opts.provider` or `opts.providers`.
 */
export class ResourcePolicy extends pulumi.ComponentResource {
  /** The policy as it is in the cluster. */
  readonly text: pulumi.Output<string>;
  /** The version of the ConfigMap that the last write made: what a rollout has to see. */
  readonly revision: pulumi.Output<string>;

  constructor(name: string, args: ResourcePolicyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trustee-access:index:ResourcePolicy", name, {}, opts);
    const policy = new trustee.ResourcePolicy(
      name,
      {
        namespace: args.namespace ?? trusteeNames.namespace,
        configMap: args.configMap ?? trusteeNames.resourcePolicy,
        ...(args.identity === undefined ? {} : { identity: args.identity }),
        candidateKeys: [args.key],
        policy: args.grants,
        kbsConfig: args.kbsConfig ?? trusteeNames.kbsConfig,
        deployment: args.deployment ?? trusteeNames.deployment,
        timeoutMinutes: args.timeoutMinutes ?? 10,
        ...(args.registered === undefined ? {} : { registered: [...args.registered] }),
        ...(args.rotation === undefined ? {} : { rotation: args.rotation }),
      },
      { parent: this },
    );
    this.text = policy.liveContent;
    this.revision = policy.revision;
    this.registerOutputs({ revision: this.revision });
  }
}
