import * as pulumi from "@pulumi/pulumi";
import type { StackGrants, StackId } from "../../core/policy/grants.ts";
import type { Digests } from "../../core/reference-values/merge.ts";
import type { Rotation } from "../../core/policy/rotation.ts";
import { Provider } from "./provider.ts";

/** A resource's inputs, with its outputs declared: Pulumi's SDK fills in those that are `undefined`. */
function withOutputs(args: object, ...outputs: readonly string[]): pulumi.Inputs {
  return { ...args, ...Object.fromEntries(outputs.map((name) => [name, undefined])) };
}

/**
 * The cluster of an edit of Trustee's objects. On another cluster it is another edit, and the old one is
 * reverted on its own cluster. Unknown for a default provider, which is no resource of the program.
 */
function clusterOf(opts: pulumi.CustomResourceOptions | undefined): pulumi.Inputs {
  const provider = opts?.provider ?? opts?.parent?.getProvider("trustee:index:Provider");
  return provider instanceof Provider ? { cluster: provider.cluster } : {};
}

/**
 * Replaces an edit of a shared object by delete, then create. Creating first would leave two owners with the
 * same mark, and the delete would then remove what both have written.
 */
function inPlace(opts: pulumi.CustomResourceOptions | undefined): pulumi.CustomResourceOptions {
  return pulumi.mergeOptions(opts, { deleteBeforeReplace: true });
}

/** One key of a ConfigMap of the Trustee operator. */
interface KeyArgs {
  readonly configMap: pulumi.Input<string>;
  /** The possible keys, newest first. The live one is written, and decides the format. */
  readonly candidateKeys: pulumi.Input<pulumi.Input<string>[]>;
}

/** A stack's part of such a key. */
interface SharedKeyArgs extends KeyArgs {
  readonly namespace: pulumi.Input<string>;
  /** Readers whose previous initdata stays accepted until a {@link Retirement} removes it. @default none */
  readonly rotation?: pulumi.Input<Rotation> | undefined;
  /** The stack's identity, which tells it from another stack of the same name. @default none */
  readonly identity?: pulumi.Input<string | undefined>;
}

export interface GeneratedValueArgs {
  /** The number of letters and digits. Another length generates another value. */
  readonly length: pulumi.Input<number>;
  /** True if the value is no secret and is stored in plain text. @default false */
  readonly open?: boolean;
}

/** A random value, generated once and kept in the state, encrypted unless it is `open`. */
export class GeneratedValue extends pulumi.CustomResource {
  declare readonly value: pulumi.Output<string>;

  constructor(name: string, args: GeneratedValueArgs, opts?: pulumi.CustomResourceOptions) {
    const secret = { additionalSecretOutputs: args.open === true ? [] : ["value"] };
    const merged = pulumi.mergeOptions(opts, secret);
    super("trustee:index:GeneratedValue", name, withOutputs(args, "value"), merged);
  }
}

/**
 * Has no effect of its own. Before every run without `--target`, `destroy` included, its provider checks that
 * the kubeconfig still leads to this cluster.
 */
export class ClusterCheck extends pulumi.CustomResource {
  constructor(
    name: string,
    args: { readonly cluster: pulumi.Input<string> },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super("trustee:index:ClusterCheck", name, { ...args }, opts);
  }
}

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
  /**
   * The ConfigMap of the policy that must restrict the secret before it is listed. If it changes, the entry
   * leaves first and is added again under the new policy. @default none must
   */
  readonly policyConfigMap?: pulumi.Input<string> | undefined;
  /** The key that Trustee reads there. */
  readonly policyKey?: pulumi.Input<string> | undefined;
}

/** One name in `spec.kbsSecretResources`. Destroy removes it only if this resource added it. */
export class KbsSecretEntry extends pulumi.CustomResource {
  /** Whether this resource added the name to the list. */
  declare readonly added: pulumi.Output<boolean>;
  /** The version of the KbsConfig after this resource's last write; empty if it wrote nothing. */
  declare readonly revision: pulumi.Output<string>;

  constructor(name: string, args: KbsSecretEntryArgs, opts?: pulumi.CustomResourceOptions) {
    const props = withOutputs({ ...args, ...clusterOf(opts) }, "added", "present", "revision");
    super("trustee:index:KbsSecretEntry", name, props, inPlace(opts));
  }
}

export interface ReferenceValuesArgs extends SharedKeyArgs {
  /** Entry (`snp_pcr08`) -> digests: lower-case hex, or the 32 bytes of SNP's host data in base64. */
  readonly digests: pulumi.Input<Digests>;
  /** Days until a new entry expires. Expiry revokes nothing. */
  readonly validityDays: pulumi.Input<number>;
  /** Overrides `validityDays` for single entries. @default none */
  readonly validityDaysOf?: pulumi.Input<Readonly<Record<string, number>>> | undefined;
}

/** This stack's digests in named RVPS entries. Other digests, entries, unknown fields and the order stay. */
export class ReferenceValues extends pulumi.CustomResource {
  declare readonly key: pulumi.Output<string>;
  declare readonly liveContent: pulumi.Output<string>;
  /** Entry -> when it expires, `%Y-%m-%dT%H:%M:%SZ`. */
  declare readonly expiries: pulumi.Output<Readonly<Record<string, string>>>;
  /** The version of the ConfigMap after this resource's last write; empty if it wrote nothing. */
  declare readonly revision: pulumi.Output<string>;
  /** The version after its last write that kept previous digests; empty if none did. */
  declare readonly overlapRevision: pulumi.Output<string | undefined>;
  /** The owner of the digests in the ledger on the ConfigMap. */
  declare readonly owner: pulumi.Output<string>;

  constructor(name: string, args: ReferenceValuesArgs, opts?: pulumi.CustomResourceOptions) {
    const written = ["key", "liveContent", "before", "added", "created", "expiries", "revision", "owner"];
    const props = withOutputs(
      { ...args, ...clusterOf(opts) },
      ...[...written, "retiring", "retiringReaders", "overlapRevision"],
    );
    super("trustee:index:ReferenceValues", name, props, inPlace(opts));
  }
}

export interface ResourcePolicyArgs extends SharedKeyArgs {
  /** Merged into the policy, which several stacks share. */
  readonly policy: pulumi.Input<StackGrants>;
  /** The KbsConfig's name. */
  readonly kbsConfig: pulumi.Input<string>;
  /** The Deployment of the KBS. */
  readonly deployment: pulumi.Input<string>;
  /**
   * The stack's secrets in the KbsConfig. If a restricted secret is neither here nor in the policy any more,
   * it is removed from the KBS before its restriction goes. @default the restriction goes at once
   */
  readonly registered?: pulumi.Input<readonly pulumi.Input<string>[]> | undefined;
  /** How long the KBS may take to stop serving such a secret. */
  readonly timeoutMinutes: pulumi.Input<number>;
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
  declare readonly configMap: pulumi.Output<string>;
  /** The version after its last write that kept previous initdata; empty if none did. */
  declare readonly overlapRevision: pulumi.Output<string | undefined>;
  /** What it wrote last. With `--target` this may not be what the program declares. */
  declare readonly policy: pulumi.Output<StackGrants>;

  constructor(name: string, args: ResourcePolicyArgs, opts?: pulumi.CustomResourceOptions) {
    const written = ["key", "liveContent", "before", "written", "revision", "overlapRevision"];
    const props = withOutputs({ ...args, ...clusterOf(opts) }, ...written);
    const aliased = pulumi.mergeOptions({ aliases: [formerly] }, opts);
    super("trustee:index:ResourcePolicy", name, props, inPlace(aliased));
  }
}

export interface RetirementArgs {
  readonly namespace: pulumi.Input<string>;
  readonly policy: pulumi.Input<KeyArgs & StackId>;
  /** `owner`: the output of that name of {@link ReferenceValues}. */
  readonly referenceValues: pulumi.Input<KeyArgs & { readonly owner: pulumi.Input<string> }>;
  /** The current claims of the stack's readers, init_data -> reader. */
  readonly current: pulumi.Input<Readonly<Record<string, string>>>;
  /** The outputs `overlapRevision` of the policy and the reference values. @default none kept previous initdata */
  readonly overlaps?: pulumi.Input<string[] | undefined>;
}

/** Removes previous initdata from policy and reference values. Make it depend on the pods that had it. */
export class Retirement extends pulumi.CustomResource {
  /** The versions of both ConfigMaps once no previous claim is left; empty until initdata changes. */
  declare readonly revision: pulumi.Output<string>;

  constructor(name: string, args: RetirementArgs, opts?: pulumi.CustomResourceOptions) {
    const props = withOutputs({ ...args, ...clusterOf(opts) }, "revision");
    super("trustee:index:Retirement", name, props, opts);
  }
}

export interface RolloutArgs {
  readonly namespace: pulumi.Input<string>;
  readonly deployment: pulumi.Input<string>;
  /** What the KBS must have read, name -> hash or version. If one changes, every KBS pod must be younger. */
  readonly changes: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** The objects whose last change every pod must be younger than. */
  readonly after: pulumi.Input<
    pulumi.Input<{ readonly kind: "ConfigMap" | "Secret"; readonly name: string }>[]
  >;
  /** Secrets that the operator must have mounted at the end. */
  readonly secrets: pulumi.Input<pulumi.Input<string>[]>;
  readonly timeoutMinutes: pulumi.Input<number>;
  /** The secrets that the policy in this ConfigMap and key must restrict at the end. @default none */
  readonly restricted?:
    | {
        readonly configMap: pulumi.Input<string>;
        readonly key: string;
        readonly secrets: readonly string[];
      }
    | undefined;
  /** Rolls out on delete instead of on create and update. @default false */
  readonly onDelete?: pulumi.Input<boolean>;
}

/** Makes every pod of the Deployment younger than the last change, no matter who restarts it. */
export class Rollout extends pulumi.CustomResource {
  constructor(name: string, args: RolloutArgs, opts?: pulumi.CustomResourceOptions) {
    super("trustee:index:Rollout", name, { ...args, ...clusterOf(opts) }, opts);
  }
}
