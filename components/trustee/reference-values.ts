import * as pulumi from "@pulumi/pulumi";
import type { Digests } from "../../core/reference-values/merge.ts";
import type { Rotation } from "../../core/rotation/rotation.ts";
import { inPlace } from "./in-place.ts";

export interface ReferenceValuesArgs {
  readonly namespace: pulumi.Input<string>;
  readonly configMap: pulumi.Input<string>;
  /** The possible keys, newest first. The live one decides the format. */
  readonly candidateKeys: pulumi.Input<pulumi.Input<string>[]>;
  /** Entry (`snp_pcr08`) -> digests: lower-case hex, or the 32 bytes of SNP's host data in base64. */
  readonly digests: pulumi.Input<Digests>;
  /** Days until a new entry expires. Expiry revokes nothing. */
  readonly validityDays: pulumi.Input<number>;
  /** Overrides `validityDays` for single entries. @default none */
  readonly validityDaysOf?: pulumi.Input<Readonly<Record<string, number>>>;
  /** Readers whose previous digests stay until a {@link Retirement} removes them. @default none */
  readonly rotation?: pulumi.Input<Rotation>;
  /** The stack's identity, which tells it from another stack of the same name. @default none */
  readonly identity?: pulumi.Input<string | undefined>;
}

/** This stack's digests in named RVPS entries. Other digests, entries, unknown fields and the order stay. */
export class ReferenceValues extends pulumi.CustomResource {
  declare readonly key: pulumi.Output<string>;
  declare readonly liveContent: pulumi.Output<string>;
  /** Entry -> when it expires, `%Y-%m-%dT%H:%M:%SZ`. */
  declare readonly expiries: pulumi.Output<Readonly<Record<string, string>>>;
  /** The version of the ConfigMap after this resource's last write; empty if it wrote nothing. */
  declare readonly revision: pulumi.Output<string>;
  /** The owner of the digests in the ledger on the ConfigMap. */
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
