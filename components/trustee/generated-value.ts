import * as pulumi from "@pulumi/pulumi";

export interface GeneratedValueArgs {
  /** How many letters and digits. Another length makes another value. */
  readonly length: pulumi.Input<number>;
  /** Whether it is no secret: it stands in the state in the open. @default false */
  readonly open?: boolean;
}

/** A random value, made once and kept in the state, where it is encrypted unless it is `open`. */
export class GeneratedValue extends pulumi.CustomResource {
  declare readonly value: pulumi.Output<string>;

  constructor(name: string, args: GeneratedValueArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "trustee:index:GeneratedValue",
      name,
      { ...args, value: undefined },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: args.open === true ? [] : ["value"] }),
    );
  }
}
