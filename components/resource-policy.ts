import * as pulumi from "@pulumi/pulumi";
import { bindings } from "../core/initdata/binding.ts";
import { Issues, UserError } from "../core/issues.ts";
import { ANY_TEE, closes, listGrants, type AccessRules, type StackGrants } from "../core/policy/grants.ts";
import { readTable } from "../core/policy/registry.ts";
import type { Rotation } from "../core/policy/rotation.ts";
import { trusteeNames } from "../core/trustee/generation.ts";
import { stackName } from "./trustee/get-trustee.ts";
import * as trustee from "./trustee/index.ts";

export interface ResourcePolicyArgs {
  /**
   * Who may read what, by the readers' claims `init_data`: see {@link planGrants}. Merged with other stacks'
   * grants. `stack` is `organization/project/stack`. @default this stack
   */
  readonly grants: Omit<StackGrants, "stack"> & Partial<Pick<StackGrants, "stack">>;
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
    `This run leaves out the resource policy, which does not restrict the secret "${secret}" as declared yet. ` +
      "Every affirming pod could read the secret, so the run stops. A new secret is neither created nor listed; a listed secret stays open until the policy is written. " +
      "Run pulumi up without --target and --exclude, or name the policy too: --target '**::resource-policy'.",
  );
  const error = new pulumi.RunError(message);
  // Pulumi prints the stack of an error in an output.
  error.stack = message;
  return error;
}

/**
 * Refuses grants that do not say how the reader's TEE binds the initdata: they would be those of an older
 * release, which hold for any hardware TEE.
 */
function checkBindings(name: string, { secrets, retiring = {} }: ResourcePolicyArgs["grants"]): void {
  const issues = new Issues();
  for (const [field, table] of Object.entries({ secrets, retiring })) {
    for (const { secret, key, binding, reader } of listGrants(readTable(table) ?? {})) {
      if (binding !== ANY_TEE) continue;
      issues.add({
        code: "TA615",
        path: `grants.${field}[${JSON.stringify(secret)}][${JSON.stringify(key)}]`,
        given: `${JSON.stringify(reader)} of any TEE`,
        allowed: `a reader by its binding: ${bindings.join(", ")}`,
        fix: "Write secret -> key -> binding -> init_data -> reader, or let planGrants write it.",
      });
    }
  }
  issues.throwIfAny(`the resource policy ${name}`);
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
  /** The ConfigMap and the key that Trustee reads. */
  readonly place: { readonly configMap: pulumi.Output<string>; readonly key: string };
  /** The version after its last write that kept previous initdata; empty if none did. */
  readonly overlapRevision: pulumi.Output<string | undefined>;
  readonly #wanted: AccessRules;
  readonly #written: pulumi.Output<StackGrants>;

  constructor(name: string, args: ResourcePolicyArgs, opts?: pulumi.ComponentResourceOptions) {
    checkBindings(name, args.grants);
    super("trustee-access:index:ResourcePolicy", name, {}, opts);
    const policy = new trustee.ResourcePolicy(
      name,
      {
        namespace: args.namespace ?? trusteeNames.namespace,
        configMap: args.configMap ?? trusteeNames.resourcePolicy,
        identity: args.identity,
        candidateKeys: [args.key],
        policy: { ...args.grants, stack: args.grants.stack ?? stackName() },
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
    this.place = { configMap: policy.configMap, key: args.key };
    this.overlapRevision = policy.overlapRevision;
    this.#wanted = args.grants;
    this.#written = policy.policy;
    this.registerOutputs({ revision: this.revision });
  }

  /** Whether this policy must restrict a secret. */
  restricts(secret: string): boolean {
    return closes(this.#wanted, secret);
  }

  /**
   * For `dependsOn` of a secret: it is not served before the policy restricts it as declared. If `--target` or
   * `--exclude` leaves the policy out, and the policy does not restrict it yet, the program fails.
   */
  before(secret: string): pulumi.Output<pulumi.Resource[]> {
    return this.#written.apply((written) => {
      if (this.restricts(secret) && !closes(written, secret)) throw notYet(secret);
      return [this];
    });
  }
}
