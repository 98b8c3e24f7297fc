import * as pulumi from "@pulumi/pulumi";

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
  /** Rolls out on delete instead of on create and update. @default false */
  readonly onDelete?: pulumi.Input<boolean>;
}

/**
 * Makes sure that every pod of the Deployment is younger than the last change, no matter who restarted it.
 */
export class Rollout extends pulumi.CustomResource {
  constructor(name: string, args: RolloutArgs, opts?: pulumi.CustomResourceOptions) {
    super("trustee:index:Rollout", name, { ...args, completedAt: undefined }, opts);
  }
}
