import * as pulumi from "@pulumi/pulumi";

export interface RolloutArgs {
  readonly namespace: pulumi.Input<string>;
  readonly deployment: pulumi.Input<string>;
  /** What the KBS has to see, name -> hash or version; a change of any makes sure that every KBS pod is younger. */
  readonly changes: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** The objects whose last change every pod must be younger than. */
  readonly after: pulumi.Input<
    pulumi.Input<{ readonly kind: "ConfigMap" | "Secret"; readonly name: string }>[]
  >;
  /** Secrets that the operator must have mounted by then. */
  readonly secrets: pulumi.Input<pulumi.Input<string>[]>;
  readonly timeoutMinutes: pulumi.Input<number>;
  /** Rolls out when it is deleted, instead of when it is created or changed. @default false */
  readonly onDelete?: pulumi.Input<boolean>;
}

/** Every pod of the Deployment is younger than the last change, whoever restarted it. */
export class Rollout extends pulumi.CustomResource {
  constructor(name: string, args: RolloutArgs, opts?: pulumi.CustomResourceOptions) {
    super("trustee:index:Rollout", name, { ...args, completedAt: undefined }, opts);
  }
}
