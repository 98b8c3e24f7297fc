import * as pulumi from "@pulumi/pulumi";
import type { Plan } from "../core/plan/plan.ts";
import type { Settings } from "../core/settings/settings.ts";
import { candidateKeys, trusteeNames, type Generation } from "../core/trustee/generation.ts";
import { ConfidentialPod } from "./confidential-pod.ts";
import { KbsSecret } from "./kbs-secret.ts";
import * as trustee from "./trustee/index.ts";

/** Secret -> key -> base64 of its value; all of it is a Pulumi secret. */
export type SecretData = Readonly<Record<string, pulumi.Output<Readonly<Record<string, string>>>>>;

export interface TrusteeAccessArgs {
  readonly settings: Settings;
  readonly plan: Plan;
  /** The values of the secrets that are created here. */
  readonly secretData: SecretData;
  /** The generation found live: its keys are written. */
  readonly generation: Generation;
  readonly trustee: trustee.Provider;
  readonly trusteeKubernetes: pulumi.ProviderResource;
  readonly podKubernetes: pulumi.ProviderResource;
}

/**
 * Who may read what: secrets, policy, reference values, the rollout that makes Trustee see them, and then the pods. On
 * destroy the same in reverse.
 */
export class TrusteeAccess extends pulumi.ComponentResource {
  readonly secrets: readonly KbsSecret[];
  readonly policy: trustee.ConfigMapEntry;
  readonly referenceValues: trustee.ReferenceValues;
  readonly rollout: trustee.Rollout;
  readonly pods: readonly ConfidentialPod[];

  constructor(name: string, args: TrusteeAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trustee-access:index:TrusteeAccess", name, {}, { ...opts, providers: [args.trustee] });
    const { settings, plan } = args;
    const { namespace, deployment, rolloutTimeoutMinutes } = settings.trustee;
    this.secrets = settings.secrets.map((secret) => this.#secret(secret.name, args));
    const afterSecrets = { parent: this, dependsOn: [...this.secrets] };
    this.policy = new trustee.ConfigMapEntry(
      "resource-policy",
      {
        namespace,
        configMap: trusteeNames.resourcePolicy,
        candidateKeys: [...candidateKeys("policyKey", args.generation)],
        policy: plan.grants,
      },
      afterSecrets,
    );
    this.referenceValues = new trustee.ReferenceValues(
      "reference-values",
      {
        namespace,
        configMap: trusteeNames.referenceValues,
        candidateKeys: [...candidateKeys("referenceValuesKey", args.generation)],
        digests: plan.digests,
        validityDays: settings.referenceValues.validityDays,
      },
      afterSecrets,
    );
    this.rollout = new trustee.Rollout(
      "rollout",
      {
        namespace,
        deployment,
        changes: {
          "resource-policy": this.policy.revision,
          "reference-values": this.referenceValues.revision,
          ...Object.fromEntries(this.secrets.map((secret) => [`secret ${secret.name}`, secret.change])),
        },
        after: [
          { kind: "ConfigMap", name: trusteeNames.resourcePolicy },
          { kind: "ConfigMap", name: trusteeNames.referenceValues },
          ...this.secrets.map((secret) => ({ kind: "Secret" as const, name: secret.name })),
        ],
        secrets: this.secrets.map((secret) => secret.name),
        timeoutMinutes: rolloutTimeoutMinutes,
      },
      { parent: this, dependsOn: [this.policy, this.referenceValues, ...this.secrets] },
    );
    this.pods = plan.pods.map(
      (pod) =>
        new ConfidentialPod(
          pod.declaration.name,
          { pod, kubernetes: args.podKubernetes },
          { parent: this, dependsOn: [this.rollout] },
        ),
    );
    this.registerOutputs({});
  }

  #secret(name: string, args: TrusteeAccessArgs): KbsSecret {
    const data = args.secretData[name];
    return new KbsSecret(
      name,
      {
        name,
        namespace: args.settings.trustee.namespace,
        kbsConfig: args.settings.trustee.kbsConfig,
        ...(data === undefined ? {} : { data }),
        stack: args.plan.grants.stack,
        kubernetes: args.trusteeKubernetes,
      },
      { parent: this },
    );
  }
}
