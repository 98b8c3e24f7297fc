import * as pulumi from "@pulumi/pulumi";
import type { StackId } from "../../core/policy/grants.ts";

interface Target {
  readonly configMap: pulumi.Input<string>;
  /** The possible keys, newest first. */
  readonly candidateKeys: pulumi.Input<pulumi.Input<string>[]>;
}

export interface RetirementArgs {
  readonly namespace: pulumi.Input<string>;
  readonly policy: pulumi.Input<Target & StackId>;
  /** `owner`: the output of that name of the resource {@link ./reference-values.ts}. */
  readonly referenceValues: pulumi.Input<Target & { readonly owner: pulumi.Input<string> }>;
  /** The current claims of the stack's readers, init_data -> reader. */
  readonly current: pulumi.Input<Readonly<Record<string, string>>>;
}

/**
 * Removes previous initdata from the policy and the reference values. Make it depend on the pods that had it.
 */
export class Retirement extends pulumi.CustomResource {
  /** The versions of both ConfigMaps once no previous claim is left; empty until initdata changes. */
  declare readonly revision: pulumi.Output<string>;

  constructor(name: string, args: RetirementArgs, opts?: pulumi.CustomResourceOptions) {
    super("trustee:index:Retirement", name, { ...args, revision: undefined }, opts);
  }
}
