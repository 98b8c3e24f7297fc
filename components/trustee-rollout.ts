import * as pulumi from "@pulumi/pulumi";
import { configMapNames, trusteeNames, type ConfigMapNames } from "../core/trustee/generation.ts";
import type { KbsSecret } from "./kbs-secret.ts";
import type { ReferenceValues } from "./reference-values.ts";
import type { ResourcePolicy } from "./resource-policy.ts";
import * as trustee from "./trustee/index.ts";

export interface TrusteeRolloutArgs {
  /** What the KBS must have read before the rollout is complete. */
  readonly policy?: ResourcePolicy;
  readonly referenceValues?: ReferenceValues;
  readonly secrets?: readonly KbsSecret[];
  /** @default `trustee-operator-system` */
  readonly namespace?: string;
  /** As `getTrustee` finds them. @default the operator's own */
  readonly configMaps?: ConfigMapNames;
  /** @default `trustee-deployment` */
  readonly deployment?: string;
  /** @default 10 */
  readonly timeoutMinutes?: number;
}

/**
 * Makes Trustee read every change: each of its pods is younger than the last change, no matter who restarted
 * it. Pods that need the change depend on this. Needs the provider `trustee` in `opts.provider` or
 * `opts.providers`.
 */
export class TrusteeRollout extends pulumi.ComponentResource {
  readonly rollout: trustee.Rollout;

  constructor(name: string, args: TrusteeRolloutArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trustee-access:index:TrusteeRollout", name, {}, opts);
    const { policy, referenceValues, secrets = [], configMaps = configMapNames } = args;
    const configMap = (kind: string): { kind: "ConfigMap"; name: string } => ({
      kind: "ConfigMap",
      name: kind,
    });
    this.rollout = new trustee.Rollout(
      name,
      {
        namespace: args.namespace ?? trusteeNames.namespace,
        deployment: args.deployment ?? trusteeNames.deployment,
        changes: {
          ...(policy === undefined ? {} : { "resource-policy": policy.revision }),
          ...(referenceValues === undefined ? {} : { "reference-values": referenceValues.revision }),
          ...Object.fromEntries(secrets.map((secret) => [`secret ${secret.name}`, secret.change])),
        },
        after: [
          ...(policy === undefined ? [] : [configMap(configMaps.policy)]),
          ...(referenceValues === undefined ? [] : [configMap(configMaps.referenceValues)]),
          ...secrets.map((secret) => ({ kind: "Secret" as const, name: secret.name })),
        ],
        secrets: secrets.map((secret) => secret.name),
        timeoutMinutes: args.timeoutMinutes ?? 10,
      },
      {
        parent: this,
        dependsOn: [policy, referenceValues, ...secrets].filter((one) => one !== undefined),
      },
    );
    this.registerOutputs({});
  }
}
