import * as pulumi from "@pulumi/pulumi";
import type { Rotation } from "../core/policy/rotation.ts";
import { configMapNames, trusteeNames, type ConfigMapNames } from "../core/trustee/generation.ts";
import type { TrusteeKeys } from "../core/trustee/seen.ts";
import type { KbsSecret } from "./kbs-secret.ts";
import type { ReferenceValues } from "./reference-values.ts";
import type { ResourcePolicy } from "./resource-policy.ts";
import { stackName } from "./trustee/get-trustee.ts";
import * as trustee from "./trustee/index.ts";

/** The KBS to roll out. */
export interface TrusteeRestorationArgs {
  /** @default `trustee-operator-system` */
  readonly namespace?: string;
  /** As `getTrustee` finds them. @default the operator's own */
  readonly configMaps?: ConfigMapNames;
  /** @default `trustee-deployment` */
  readonly deployment?: string;
  /** @default 10 */
  readonly timeoutMinutes?: number;
}

/** The arguments of a rollout after a change of both ConfigMaps. */
function rolloutOf({
  namespace = trusteeNames.namespace,
  configMaps = configMapNames,
  deployment = trusteeNames.deployment,
  timeoutMinutes = 10,
}: TrusteeRestorationArgs): Omit<trustee.RolloutArgs, "changes" | "after"> & {
  readonly after: { readonly kind: "ConfigMap"; readonly name: string }[];
} {
  const after = [configMaps.policy, configMaps.referenceValues].map((name) => ({
    kind: "ConfigMap" as const,
    name,
  }));
  return { namespace, deployment, after, secrets: [], timeoutMinutes };
}

/**
 * Makes Trustee read the restored content after a destroy. A KBS keeps its policy until it is restarted, and
 * would go on refusing secrets by grants that are gone. Everything that changes Trustee depends on this
 * component. So it is created first, when it does nothing, and deleted last, when it rolls Trustee out unless
 * the operator has done so.
 */
export class TrusteeRestoration extends pulumi.ComponentResource {
  readonly rollout: trustee.Rollout;

  constructor(name: string, args: TrusteeRestorationArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("trustee-access:index:TrusteeRestoration", name, {}, opts);
    const rollout = { ...rolloutOf(args), changes: {}, onDelete: true };
    this.rollout = new trustee.Rollout(name, rollout, { parent: this });
    this.registerOutputs({});
  }
}

export interface TrusteeRolloutArgs extends TrusteeRestorationArgs {
  /** What the KBS must have read before the rollout is complete. */
  readonly policy?: ResourcePolicy;
  readonly referenceValues?: ReferenceValues;
  readonly secrets?: readonly KbsSecret[];
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
    const { policy, referenceValues, secrets = [] } = args;
    const rollout = rolloutOf(args);
    const [policyMap, valuesMap] = rollout.after;
    const restricted = secrets.map(({ name }) => name).filter((one) => policy?.restricts(one));
    const maps = [policy && policyMap, referenceValues && valuesMap].filter((one) => one !== undefined);
    this.rollout = new trustee.Rollout(
      name,
      {
        ...rollout,
        changes: {
          ...(policy === undefined ? {} : { "resource-policy": policy.revision }),
          ...(referenceValues === undefined ? {} : { "reference-values": referenceValues.revision }),
          ...Object.fromEntries(secrets.map((secret) => [`secret ${secret.name}`, secret.change])),
        },
        after: [...maps, ...secrets.map((secret) => ({ kind: "Secret" as const, name: secret.name }))],
        secrets: secrets.map((secret) => secret.name),
        restricted:
          policy === undefined || restricted.length === 0
            ? undefined
            : { ...policy.place, secrets: restricted },
      },
      {
        parent: this,
        dependsOn: [policy, referenceValues, ...secrets].filter((one) => one !== undefined),
      },
    );
    this.registerOutputs({});
  }
}

export interface InitdataRotationArgs extends TrusteeRestorationArgs {
  /** The same value as for the policy and the reference values. */
  readonly rotation: Rotation;
  /** The stack that owns the grants, `organization/project/stack`. @default this stack */
  readonly stack?: string | undefined;
  /** The stack's identity, which tells it from another stack of the same name. @default none */
  readonly identity?: string | undefined;
  readonly referenceValues: ReferenceValues;
  /** @default only a change of initdata ends a grace period that this run begins */
  readonly policy?: ResourcePolicy;
  /** The pods that must be ready before their previous initdata is removed. */
  readonly pods: readonly pulumi.Resource[];
  /** The keys that Trustee reads, as `getTrustee` finds them. */
  readonly keys: TrusteeKeys;
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
    const { rotation, identity, policy, referenceValues, pods, keys } = args;
    const { stack = stackName(), configMaps = configMapNames } = args;
    // Absent until a write keeps previous initdata: an upgrade of this project updates nothing.
    const overlaps = pulumi
      .all([policy?.overlapRevision, referenceValues.overlapRevision])
      .apply((revisions) => revisions.flatMap((one) => (one === undefined || one === "" ? [] : [one])))
      .apply((revisions) => (revisions.length === 0 ? undefined : revisions));
    const rollout = rolloutOf(args);
    this.retirement = new trustee.Retirement(
      name,
      {
        namespace: rollout.namespace,
        policy: { configMap: configMaps.policy, candidateKeys: [keys.policyKey], stack, identity },
        referenceValues: {
          configMap: configMaps.referenceValues,
          candidateKeys: [keys.referenceValuesKey],
          owner: referenceValues.owner,
        },
        current: rotation.current,
        overlaps,
      },
      { parent: this, dependsOn: [...pods] },
    );
    const changes = { "former initdata": this.retirement.revision };
    this.rollout = new trustee.Rollout(name, { ...rollout, changes }, { parent: this });
    this.registerOutputs({});
  }
}
