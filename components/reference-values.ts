import * as pulumi from "@pulumi/pulumi";
import type { Digests } from "../core/reference-values/merge.ts";
import type { Rotation } from "../core/policy/rotation.ts";
import { trusteeNames } from "../core/trustee/generation.ts";
import * as trustee from "./trustee/index.ts";

export interface ReferenceValuesArgs {
  /** Entry (`snp_pcr08`) -> its digests, lower-case hex. */
  readonly digests: Digests;
  /** The key that Trustee reads, as `getTrustee` finds it. */
  readonly key: string;
  /** @default `trustee-operator-system` */
  readonly namespace?: string;
  /** Days until a new entry expires. Expiry revokes nothing. @default 365 */
  readonly validityDays?: number;
  /** Overrides `validityDays` for single entries. @default none */
  readonly validityDaysOf?: Readonly<Record<string, number>>;
  /** The ConfigMap, as `getTrustee` finds it. @default `trusteeconfig-rvps-reference-values` */
  readonly configMap?: string;
  /** The stack's identity, which tells it from another stack of the same name. @default none */
  readonly identity?: string | undefined;
  /** Readers whose previous digests stay until an {@link InitdataRotation} removes them. @default none */
  readonly rotation?: Rotation;
}

/**
 * This stack's digests in the RVPS's reference values. Without them no pod attests as affirming. Other
 * digests, entries and unknown fields stay. Needs the provider `trustee` in `opts.provider` or
 * `opts.providers`.
 */
export class ReferenceValues extends pulumi.ComponentResource {
  /** The reference values as they are in the cluster, in the format of their key. */
  readonly text: pulumi.Output<string>;
  /** Entry -> when it expires, `%Y-%m-%dT%H:%M:%SZ`. */
  readonly expiries: pulumi.Output<Readonly<Record<string, string>>>;
  /** The version of the ConfigMap after the last write, which a rollout must make the KBS read. */
  readonly revision: pulumi.Output<string>;
  /** The version after its last write that kept previous digests; empty if none did. */
  readonly overlapRevision: pulumi.Output<string | undefined>;
  /** The owner of the digests in the ledger on the ConfigMap. */
  readonly owner: pulumi.Output<string>;

  constructor(name: string, args: ReferenceValuesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trustee-access:index:ReferenceValues", name, {}, opts);
    const values = new trustee.ReferenceValues(
      name,
      {
        namespace: args.namespace ?? trusteeNames.namespace,
        configMap: args.configMap ?? trusteeNames.referenceValues,
        identity: args.identity,
        candidateKeys: [args.key],
        digests: args.digests,
        validityDays: args.validityDays ?? 365,
        validityDaysOf: args.validityDaysOf,
        rotation: args.rotation,
      },
      { parent: this },
    );
    this.text = values.liveContent;
    this.expiries = values.expiries;
    this.revision = values.revision;
    this.overlapRevision = values.overlapRevision;
    this.owner = values.owner;
    this.registerOutputs({ revision: this.revision });
  }
}
