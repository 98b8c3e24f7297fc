import * as pulumi from "@pulumi/pulumi";
import { closes, type StackGrants } from "../core/policy/grants.ts";
import { UserError } from "../core/issues.ts";
import type { Rotation } from "../core/policy/rotation.ts";
import { trusteeNames } from "../core/trustee/generation.ts";
import * as trustee from "./trustee/index.ts";

export interface ResourcePolicyArgs {
  /** Who may read what, by the readers' claims `init_data`. Merged with other stacks' grants. */
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
  /** The stack's identity, which tells it from another stack of the same name. @default none */
  readonly identity?: string | undefined;
  /** Readers whose previous initdata stays until an {@link InitdataRotation} removes it. @default none */
  readonly rotation?: Rotation;
  /**
   * Every secret of the stack in the KbsConfig. If a restricted secret is neither here nor in the grants any
   * more, it is removed from the KbsConfig and from every KBS before its restriction goes.
   * @default the restriction goes at once
   */
  readonly registered?: readonly string[];
  /** How long the KBS may take to stop serving such a secret. @default 10 */
  readonly timeoutMinutes?: number;
}

function notYet(secret: string): pulumi.RunError {
  const { message } = new UserError(
    "TA843",
    `The resource policy of this stack does not restrict the secret "${secret}" as declared yet, and this run leaves the policy out. ` +
      "Every affirming pod could read it, so the run stops: a new secret is neither created nor listed, and one that is listed stays open until the policy is written. " +
      "Run pulumi up without --target and --exclude, or name the policy too: --target '**::resource-policy'.",
  );
  const error = new pulumi.RunError(message);
  // Pulumi prints the stack of an error in an output.
  error.stack = message;
  return error;
}

/**
 * The KBS's resource policy, shared by several stacks. Each stack's grants are a line in its text. When the
 * last stack is destroyed, the content from before the first one is restored. Make the restricted secrets
 * depend on it. Needs the provider `trustee` in `opts.provider` or `opts.providers`.
 */
export class ResourcePolicy extends pulumi.ComponentResource {
  /** The policy as it is in the cluster. */
  readonly text: pulumi.Output<string>;
  /** The version of the ConfigMap after the last write, which a rollout must make the KBS read. */
  readonly revision: pulumi.Output<string>;
  /** The version after its last write that kept previous initdata; empty if none did. */
  readonly overlapRevision: pulumi.Output<string | undefined>;
  readonly #wanted: StackGrants;
  readonly #written: pulumi.Output<StackGrants>;

  constructor(name: string, args: ResourcePolicyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trustee-access:index:ResourcePolicy", name, {}, opts);
    const policy = new trustee.ResourcePolicy(
      name,
      {
        namespace: args.namespace ?? trusteeNames.namespace,
        configMap: args.configMap ?? trusteeNames.resourcePolicy,
        identity: args.identity,
        candidateKeys: [args.key],
        policy: args.grants,
        kbsConfig: args.kbsConfig ?? trusteeNames.kbsConfig,
        deployment: args.deployment ?? trusteeNames.deployment,
        timeoutMinutes: args.timeoutMinutes ?? 10,
        registered: args.registered,
        rotation: args.rotation,
      },
      { parent: this },
    );
    this.text = policy.liveContent;
    this.revision = policy.revision;
    this.overlapRevision = policy.overlapRevision;
    this.#wanted = args.grants;
    this.#written = policy.policy;
    this.registerOutputs({ revision: this.revision });
  }

  /**
   * For `dependsOn` of a secret: it is not served before the policy restricts it as declared. If `--target` or
   * `--exclude` leaves the policy out, and the policy does not restrict it yet, the program fails.
   */
  before(secret: string): pulumi.Output<pulumi.Resource[]> {
    return this.#written.apply((written) => {
      if (closes(this.#wanted, secret) && !closes(written, secret)) throw notYet(secret);
      return [this];
    });
  }
}
