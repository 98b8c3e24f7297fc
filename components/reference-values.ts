import * as pulumi from "@pulumi/pulumi";
import type { Digests } from "../core/reference-values/merge.ts";
import type { Rotation } from "../core/rotation/rotation.ts";
import { trusteeNames } from "../core/trustee/generation.ts";
import * as trustee from "./trustee/index.ts";

export interface ReferenceValuesArgs {
  /** Entry (`snp_pcr08`) -> the digests to stand in it, lower-case hex. */
  readonly digests: Digests;
  /** The key that Trustee reads, as `getTrustee` finds it. */
  readonly key: string;
  /** @default `trustee-operator-system` */
  readonly namespace?: string;
  /** How many days ahead an entry is dated that has to be created: expiry revokes nothing. @default 365 */
  readonly validityDays?: number;
  /** The same for single entries. @default validityDays for all */
  readonly validityDaysOf?: Readonly<Record<string, number>>;
  /** The ConfigMap, as `getTrustee` finds it. @default `trusteeconfig-rvps-reference-values` */
  readonly configMap?: string;
  /** What the stack's state tells it from another one of the same name by. @default nothing */
  readonly identity?: string;
  /** Whose former digests stay until an {@link InitdataRotation} takes them out. @default they go at once */
  readonly rotation?: Rotation;
}

/**
 * Own digests among the RVPS's reference values, without which no pod attests as affirming. Others' digests, entries and
 * unknown fields stay as they are. Needs the provider `trustee`, by `opts.provider` or `opts.providers`.
 */
export class ReferenceValues extends pulumi.ComponentResource {
  /** The reference values as they are in the cluster, in the format of their key. */
  readonly text: pulumi.Output<string>;
  /** Entry -> when it expires, `%Y-%m-%dT%H:%M:%SZ`. */
  readonly expiries: pulumi.Output<Readonly<Record<string, string>>>;
  /** The version of the ConfigMap that the last write made: what a rollout has to see. */
  readonly revision: pulumi.Output<string>;
  /** Whose the digests are, in the ledger that stands on the ConfigMap. */
  readonly owner: pulumi.Output<string>;

  constructor(name: string, args: ReferenceValuesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trustee-access:index:ReferenceValues", name, {}, opts);
    const values = new trustee.ReferenceValues(
      name,
      {
        namespace: args.namespace ?? trusteeNames.namespace,
        configMap: args.configMap ?? trusteeNames.referenceValues,
        ...(args.identity === undefined ? {} : { identity: args.identity }),
        candidateKeys: [args.key],
        digests: args.digests,
        validityDays: args.validityDays ?? 365,
        ...(args.validityDaysOf === undefined ? {} : { validityDaysOf: args.validityDaysOf }),
        ...(args.rotation === undefined ? {} : { rotation: args.rotation }),
      },
      { parent: this },
    );
    this.text = values.liveContent;
    this.expiries = values.expiries;
    this.revision = values.revision;
    this.owner = values.owner;
    this.registerOutputs({ revision: this.revision });
  }
}
