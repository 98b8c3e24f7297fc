import * as pulumi from "@pulumi/pulumi";
import type { Rotation } from "../core/rotation/rotation.ts";
import { configMapNames, trusteeNames, type ConfigMapNames } from "../core/trustee/generation.ts";
import type { TrusteeKeys } from "../core/trustee/seen.ts";
import type { ReferenceValues } from "./reference-values.ts";
import * as trustee from "./trustee/index.ts";

export interface InitdataRotationArgs {
  /** The same that policy and reference values were given. */
  readonly rotation: Rotation;
  /** Whose grants these are, `organization/project/stack`. */
  readonly stack: string;
  /** What the stack's state tells it from another one of the same name by. @default nothing */
  readonly identity?: string;
  readonly referenceValues: ReferenceValues;
  /** The pods that have to be ready before their former initdata goes. */
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
 * The end of every change of initdata. Policy and reference values go on accepting what a pod claimed before, so that it is
 * served until its successor is ready; then this takes the former claim out, and rolls Trustee out once more so that the KBS
 * sees it. Without a change of initdata it does nothing. Needs the provider `trustee`, by `opts.provider` or
 * `opts.providers`.
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
