import * as pulumi from "@pulumi/pulumi";
import type { Rotation } from "../core/rotation/rotation.ts";
import { configMapNames, trusteeNames, type ConfigMapNames } from "../core/trustee/generation.ts";
import type { TrusteeKeys } from "../core/trustee/seen.ts";
import type { ReferenceValues } from "./reference-values.ts";
import * as trustee from "./trustee/index.ts";

export interface InitdataRotationArgs {
  /** The same value as for the policy and the reference values. */
  readonly rotation: Rotation;
  /** The stack that owns the grants, `organization/project/stack`. */
  readonly stack: string;
  /** The stack's identity, which tells it from another stack of the same name. @default none */
  readonly identity?: string;
  readonly referenceValues: ReferenceValues;
  /** The pods that must be ready before their previous initdata is removed. */
  readonly pods: readonly pulumi.Resource[];
  /** The keys that Trustee reads, as `getTrustee` finds them. */
  readonly keys: TrusteeKeys;
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
 * Ends the grace period of every rotation. Policy and reference values accept a pod's previous initdata, so
 * that the old pod is served until the new one is ready. Then this component removes the previous initdata,
 * and rolls Trustee out again. Without a change of initdata it does nothing. Needs the provider `trustee` in
 * `opts.provider` or `opts.providers`.
 */
export class InitdataRotation extends pulumi.ComponentResource {
  readonly retirement: trustee.Retirement;
  readonly rollout: trustee.Rollout;

  constructor(name: string, args: InitdataRotationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trustee-access:index:InitdataRotation", name, {}, opts);
    const { rotation, stack, identity, referenceValues, pods, keys } = args;
    const configMaps = args.configMaps ?? configMapNames;
    const namespace = args.namespace ?? trusteeNames.namespace;
    this.retirement = new trustee.Retirement(
      name,
      {
        namespace,
        policy: {
          configMap: configMaps.policy,
          candidateKeys: [keys.policyKey],
          stack,
          ...(identity === undefined ? {} : { identity }),
        },
        referenceValues: {
          configMap: configMaps.referenceValues,
          candidateKeys: [keys.referenceValuesKey],
          owner: referenceValues.owner,
        },
        current: rotation.current,
      },
      { parent: this, dependsOn: [...pods] },
    );
    this.rollout = new trustee.Rollout(
      name,
      {
        namespace,
        deployment: args.deployment ?? trusteeNames.deployment,
        changes: { "former initdata": this.retirement.revision },
        after: [
          { kind: "ConfigMap", name: configMaps.policy },
          { kind: "ConfigMap", name: configMaps.referenceValues },
        ],
        secrets: [],
        timeoutMinutes: args.timeoutMinutes ?? 10,
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
