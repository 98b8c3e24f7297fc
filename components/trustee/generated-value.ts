import * as pulumi from "@pulumi/pulumi";

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
    super(
      "trustee:index:GeneratedValue",
      name,
      { ...args, value: undefined },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: args.open === true ? [] : ["value"] }),
    );
  }
}
