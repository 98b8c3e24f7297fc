import * as kubernetes from "@pulumi/kubernetes";
import {
  ConfidentialPod,
  getTrustee,
  InitdataRotation,
  KbsSecret,
  planConfidentialPod,
  planGrants,
  program,
  ReferenceValues,
  ResourcePolicy,
  TrusteeProvider,
  TrusteeRestoration,
  TrusteeRollout,
} from "trustee-access";

export default program(async () => {
  // Both providers use kubectl's kubeconfig. Each could have its own.
  const provider = new TrusteeProvider("trustee");
  const cluster = new kubernetes.Provider("cluster", { enableSecretMutable: true });
  const providers = [provider, cluster];

  const live = await getTrustee({ createdSecrets: ["payments-key"] }, { provider });
  const { url, certificate, kbsConfig, policyKey, referenceValuesKey } = live;
  const configMaps = { policy: live.policyConfigMap, referenceValues: live.referenceValuesConfigMap };

  // Plan the pod first: the policy names its initdata, and the pod depends on the policy.
  const payments = planConfidentialPod("payments", {
    image: "registry.example/payments:1",
    trustee: { url, certificate },
    execCurl: ["payments-key/key"],
  });
  const { secrets, current } = planGrants([payments], [{ secret: "payments-key", pod: payments }]);

  // When its initdata changes, the previous one stays accepted until the new pod is ready.
  const rotation = { current, overlapping: ["payments"] };

  // The first to be created, and the last to be deleted: Trustee reads again what a destroy restored.
  const restoration = new TrusteeRestoration("restoration", { configMaps }, { provider });
  const afterRestoration = { provider, dependsOn: [restoration] };

  // The policy comes before the secrets, so that each is restricted before it is served.
  const policy = new ResourcePolicy(
    "policy",
    {
      key: policyKey,
      configMap: configMaps.policy,
      kbsConfig,
      rotation,
      grants: { others: "affirming", secrets },
      registered: ["payments-key"],
    },
    afterRestoration,
  );
  const key = new KbsSecret(
    "payments-key",
    { kbsConfig, policy, generate: { keys: ["key"] } },
    { providers, dependsOn: policy.before("payments-key") },
  );
  const digests = { snp_pcr08: [payments.initData], tdx_pcr08: [payments.initData] };
  const referenceValues = new ReferenceValues(
    "values",
    { key: referenceValuesKey, configMap: configMaps.referenceValues, digests, rotation },
    afterRestoration,
  );
  const rollout = new TrusteeRollout(
    "rollout",
    { policy, referenceValues, secrets: [key], configMaps },
    { provider },
  );
  const pod = new ConfidentialPod("payments", payments, { provider: cluster, dependsOn: [rollout] });
  new InitdataRotation(
    "rotation",
    { rotation, policy, referenceValues, pods: [pod], keys: { policyKey, referenceValuesKey }, configMaps },
    { provider },
  );

  return { initData: payments.initData };
});
