import * as pulumi from "@pulumi/pulumi";
import type { Digests } from "../../core/reference-values/merge.ts";
import type { Rotation } from "../../core/rotation/rotation.ts";
import { inPlace } from "./in-place.ts";

export interface ReferenceValuesArgs {
  readonly namespace: pulumi.Input<string>;
  readonly configMap: pulumi.Input<string>;
  /** The keys it may be, the newest first; the live one says which format is written. */
  readonly candidateKeys: pulumi.Input<pulumi.Input<string>[]>;
  /** Entry (`snp_pcr08`) -> digests: lower-case hex, or the 32 bytes of SNP's host data in base64. */
  readonly digests: pulumi.Input<Digests>;
  /** How many days ahead an entry is dated that is created here: expiry revokes nothing. */
  readonly validityDays: pulumi.Input<number>;
  /** The same for single entries. @default validityDays for all */
  readonly validityDaysOf?: pulumi.Input<Readonly<Record<string, number>>>;
  /** Whose former digests stay until a {@link Retirement} takes them out. @default they go at once */
  readonly rotation?: pulumi.Input<Rotation>;
  /** What the stack's state tells it from another one of the same name by. @default nothing */
  readonly identity?: pulumi.Input<string | undefined>;
}

/** Own digests inside named RVPS entries; others' digests, entries, unknown fields and order stay. */
export class ReferenceValues extends pulumi.CustomResource {
  declare readonly key: pulumi.Output<string>;
  declare readonly liveContent: pulumi.Output<string>;
  /** Entry -> when it expires, `%Y-%m-%dT%H:%M:%SZ`. */
  declare readonly expiries: pulumi.Output<Readonly<Record<string, string>>>;
  /** The version of the ConfigMap that this resource's last write made; empty where it wrote nothing. */
  declare readonly revision: pulumi.Output<string>;
  /** Whose the digests are, in the ledger that stands on the ConfigMap. */
  declare readonly owner: pulumi.Output<string>;

  constructor(name: string, args: ReferenceValuesArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      key: undefined,
      liveContent: undefined,
      before: undefined,
      added: undefined,
      retiring: undefined,
      retiringReaders: undefined,
      created: undefined,
      expiries: undefined,
      revision: undefined,
      owner: undefined,
    };
    super("trustee:index:ReferenceValues", name, { ...args, ...outputs }, inPlace(opts));
  }
}
