import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import * as pulumi from "@pulumi/pulumi";
import { sha256Hex } from "../core/digest.ts";
import { isPulumi, lastOwnWrite } from "../core/rollout/own-writes.ts";
import { trusteeNames } from "../core/trustee/generation.ts";
import { KEEP_ANNOTATION, ownerAnnotations, ownerLabels } from "../core/trustee/ownership.ts";
import type { ResourcePolicy } from "./resource-policy.ts";
import { stackName } from "./trustee/get-trustee.ts";
import * as trustee from "./trustee/index.ts";

/** Key -> base64 of its value. */
export type SecretData = Readonly<Record<string, string>>;

export interface KbsSecretArgs {
  /** The Secret's name: the middle part of `kbs:///default/<name>/<key>`. @default the resource's name */
  readonly name?: string;
  /**
   * Key -> base64 of the value, as in Kubernetes, for a Secret to create. Kept as a Pulumi secret.
   * @default if `generate` is absent too, the Secret exists already and is not changed
   */
  readonly data?: pulumi.Input<SecretData> | undefined;
  /** Random values, generated once and kept in the state. @default none */
  readonly generate?:
    | {
        readonly keys: readonly string[];
        /** The number of letters and digits of each. @default 32 */
        readonly length?: number | undefined;
      }
    | undefined;
  /** Trustee's namespace. @default `trustee-operator-system` */
  readonly namespace?: string;
  /** @default `trusteeconfig-kbs-config` */
  readonly kbsConfig?: string;
  /** `organization/project/stack`, for the owner annotation of a created Secret. @default this stack */
  readonly stack?: string;
  /** The stack's identity, for the owner annotation too: tells it from its namesakes. @default none */
  readonly identity?: string | undefined;
  /**
   * Whether a created Secret stays after it is removed from the program, so that another stack, or this one
   * with `existing`, can take it over. @default false
   */
  readonly keep?: boolean | undefined;
  /**
   * The policy that must restrict the secret: while the live policy does not, a new secret is not listed.
   * Needs `dependsOn: policy.before(name)` too. @default it is not checked
   */
  readonly policy?: ResourcePolicy | undefined;
}

/**
 * A secret that the KBS serves: the Kubernetes Secret, if it is created here, and its entry in the KbsConfig.
 * The Secret is created first and deleted last, because a listed Secret that does not exist stops every
 * reconcile of the KBS. Needs the providers `trustee` and `kubernetes` of Trustee's cluster in
 * `opts.providers`. The latter needs `enableSecretMutable`: otherwise a new value deletes the Secret for a
 * while.
 */
export class KbsSecret extends pulumi.ComponentResource {
  readonly name: string;
  /**
   * Key -> base64 of its value, for a created Secret; for example a generated value that others need. A
   * Pulumi secret; `undefined` for a Secret that exists already.
   */
  readonly values: pulumi.Output<SecretData> | undefined;
  readonly entry: trustee.KbsSecretEntry;
  /** A hash that changes when the KBS must be rolled out for this secret. A Pulumi secret. */
  readonly change: pulumi.Output<string>;

  constructor(name: string, args: KbsSecretArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trustee-access:index:KbsSecret", name, {}, opts);
    this.name = args.name ?? name;
    this.values = this.#values(name, args);
    const secret = this.values === undefined ? undefined : this.#create(name, args, this.values);
    const policy = args.policy?.restricts(this.name) === true ? args.policy.place : undefined;
    this.entry = new trustee.KbsSecretEntry(
      name,
      {
        namespace: args.namespace ?? trusteeNames.namespace,
        kbsConfig: args.kbsConfig ?? trusteeNames.kbsConfig,
        secret: this.name,
        secretIsCreated: secret !== undefined,
        identity: args.identity,
        policyConfigMap: policy?.configMap,
        policyKey: policy?.key,
      },
      { parent: this, ...(secret === undefined ? {} : { dependsOn: [secret] }) },
    );
    const written =
      secret === undefined
        ? pulumi.output([])
        : pulumi.all([secret.data, secret.metadata]).apply(([data, { managedFields }]) => [
            Object.entries(data).sort(),
            // A value that was changed and restored is the same as before, but a KBS may have started in
            // between.
            lastOwnWrite(managedFields, isPulumi) ?? null,
          ]);
    this.change = pulumi
      .all([this.entry.revision, written])
      .apply(([revision, held]) => sha256Hex(JSON.stringify([revision, ...held])));
    this.registerOutputs({ entry: this.entry.id });
  }

  /** The content of the Secret; `undefined` if it exists already. */
  #values(name: string, { data, generate }: KbsSecretArgs): pulumi.Output<SecretData> | undefined {
    if (data === undefined && generate === undefined) return undefined;
    const made = (generate?.keys ?? []).map((key) => {
      const { value } = new trustee.GeneratedValue(
        `${name}/${key}`,
        { length: generate?.length ?? 32 },
        { parent: this },
      );
      return value.apply((text): [string, string] => [key, Buffer.from(text, "utf8").toString("base64")]);
    });
    return pulumi.secret(
      pulumi
        .all([pulumi.output(data ?? {}), pulumi.all(made)])
        .apply(([given, generated]): SecretData => ({ ...given, ...Object.fromEntries(generated) })),
    );
  }

  #create(name: string, args: KbsSecretArgs, data: pulumi.Output<SecretData>): Secret {
    const { stack = stackName(), identity, keep = false } = args;
    return new Secret(
      name,
      {
        metadata: {
          name: this.name,
          namespace: args.namespace ?? trusteeNames.namespace,
          labels: ownerLabels,
          annotations: {
            ...ownerAnnotations({ stack, identity }),
            ...(keep ? { [KEEP_ANNOTATION]: "true" } : {}),
          },
        },
        type: "Opaque",
        data: data.apply((values) => ({ ...values })),
      },
      // Otherwise the replacement would take over the existing object, which would then be deleted as the old
      // one.
      { parent: this, deleteBeforeReplace: true, retainOnDelete: keep },
    );
  }
}
