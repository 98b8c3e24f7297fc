import * as pulumi from "@pulumi/pulumi";

export interface GeneratedValueArgs {
  /** How many letters and digits. Another length makes another value. */
  readonly length: pulumi.Input<number>;
}

/** A random value, made once and kept in the state, where it is encrypted. */
export class GeneratedValue extends pulumi.CustomResource {
  declare readonly value: pulumi.Output<string>;

  constructor(name: string, args: GeneratedValueArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "trustee:index:GeneratedValue",
      name,
      { ...args, value: undefined },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["value"] }),
    );
  }
}
