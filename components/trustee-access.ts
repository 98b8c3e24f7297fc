import * as pulumi from "@pulumi/pulumi";
import { own } from "../core/records.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { SecretSettings, Settings } from "../core/settings/schema.ts";
import { ConfidentialPod } from "./confidential-pod.ts";
import { KbsSecret, type SecretData } from "./kbs-secret.ts";
import { ReferenceValues } from "./reference-values.ts";
import type { StackIdentity } from "./stack-identity.ts";
import { ResourcePolicy } from "./resource-policy.ts";
import { InitdataRotation, TrusteeRestoration, TrusteeRollout } from "./rollouts.ts";
import * as trustee from "./trustee/index.ts";

export interface TrusteeAccessArgs {
  readonly settings: Settings;
  readonly plan: Plan;
  /** Secret -> its values, for `from: setting` and `from: file`. */
  readonly secretData: Readonly<Record<string, pulumi.Output<SecretData>>>;
  /** Tells this stack from another one of the same name. */
  readonly identity: StackIdentity;
  /** The live KbsConfig, ConfigMaps and keys. */
  readonly live: Pick<
    trustee.GetTrusteeResult,
    "kbsConfig" | "policyConfigMap" | "policyKey" | "referenceValuesConfigMap" | "referenceValuesKey"
  >;
  readonly trustee: trustee.Provider;
  readonly trusteeKubernetes: pulumi.ProviderResource;
  readonly podKubernetes: pulumi.ProviderResource;
  /** Checks the pods' cluster before each run. @default the provider `trustee` */
  readonly podReader?: trustee.Provider;
}

/**
 * Restricts who may read what, in this order:
 * - policy and reference values
 * - secrets, so that none is served before it is restricted
 * - the rollout that makes Trustee read them
 * - pods
 * - if initdata has changed, the end of the grace period
 * Destroy runs in reverse, and ends with a rollout that makes Trustee read what was restored.
 */
export class TrusteeAccess extends pulumi.ComponentResource {
  readonly restoration: TrusteeRestoration;
  readonly secrets: readonly KbsSecret[];
  readonly policy: ResourcePolicy;
  readonly referenceValues: ReferenceValues;
  readonly rollout: TrusteeRollout;
  readonly pods: readonly ConfidentialPod[];
  readonly rotation: InitdataRotation;

  constructor(name: string, args: TrusteeAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    const providers = [args.trustee, args.trusteeKubernetes];
    super("trustee-access:index:TrusteeAccess", name, {}, { ...opts, providers });
    const { settings, plan, live } = args;
    const { kbsConfig, policyKey, referenceValuesKey } = live;
    const configMaps = { policy: live.policyConfigMap, referenceValues: live.referenceValuesConfigMap };
    const identity = args.identity.mark;
    const { identity: _, ...grants } = plan.grants;
    const { namespace, deployment, rolloutTimeoutMinutes: timeoutMinutes } = settings.trustee;
    this.restoration = new TrusteeRestoration(
      "restoration",
      { namespace, deployment, configMaps, timeoutMinutes },
      { parent: this, dependsOn: [args.identity.resource] },
    );
    const afterRestoration = { parent: this, dependsOn: [this.restoration] };
    this.policy = new ResourcePolicy(
      "resource-policy",
      {
        namespace,
        kbsConfig,
        deployment,
        timeoutMinutes,
        key: policyKey,
        configMap: configMaps.policy,
        grants,
        identity,
        registered: settings.secrets.map(({ name: secret }) => secret),
        rotation: plan.rotation,
      },
      afterRestoration,
    );
    this.referenceValues = new ReferenceValues(
      "reference-values",
      {
        namespace,
        key: referenceValuesKey,
        configMap: configMaps.referenceValues,
        identity,
        digests: plan.digests,
        validityDays: settings.referenceValues.validityDays,
        validityDaysOf: settings.referenceValues.validityDaysOf,
        rotation: plan.rotation,
      },
      afterRestoration,
    );
    this.secrets = settings.secrets.map((secret) => this.#secret(secret, args));
    this.rollout = new TrusteeRollout(
      "rollout",
      {
        policy: this.policy,
        referenceValues: this.referenceValues,
        secrets: this.secrets,
        configMaps,
        namespace,
        deployment,
        timeoutMinutes,
      },
      { parent: this },
    );
    const deployed = plan.pods.filter((pod) => pod.declaration.deploy);
    // Before the pods: a pod that does not become ready must not keep it from being created.
    const checks = deployed.length === 0 ? [] : this.#podClusterCheck(args);
    const afterRollout = {
      parent: this,
      providers: [args.podKubernetes],
      dependsOn: [this.rollout, ...checks],
    };
    this.pods = deployed.map(
      (pod) => new ConfidentialPod(pod.declaration.id, { ...pod, identity }, afterRollout),
    );
    this.rotation = new InitdataRotation(
      "rotation",
      {
        rotation: plan.rotation,
        stack: grants.stack,
        identity,
        configMaps,
        policy: this.policy,
        referenceValues: this.referenceValues,
        pods: this.pods,
        keys: { policyKey, referenceValuesKey },
        namespace,
        deployment,
        timeoutMinutes,
      },
      { parent: this },
    );
    this.registerOutputs({});
  }

  /** The pods' provider deletes by name, so a destroy must not reach another cluster. */
  #podClusterCheck({ trustee: trusteeSide, podReader: provider }: TrusteeAccessArgs): pulumi.Resource[] {
    if (provider === undefined || provider === trusteeSide) return [];
    const { cluster } = provider;
    return [new trustee.ClusterCheck("pod-cluster", { cluster }, { parent: this, provider })];
  }

  #secret({ name, from, keys, length, keep }: SecretSettings, args: TrusteeAccessArgs): KbsSecret {
    const data = own(args.secretData, name);
    return new KbsSecret(
      name,
      {
        namespace: args.settings.trustee.namespace,
        kbsConfig: args.live.kbsConfig,
        stack: args.plan.grants.stack,
        identity: args.identity.mark,
        keep,
        generate: from === "generate" ? { keys, length } : undefined,
        data,
        policy: this.policy,
      },
      { parent: this, dependsOn: this.policy.before(name) },
    );
  }
}
