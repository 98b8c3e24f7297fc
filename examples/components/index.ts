import * as kubernetes from "@pulumi/kubernetes";
import {
  ConfidentialPod,
  EVERY_KEY,
  getTrustee,
  InitdataRotation,
  KbsSecret,
  planConfidentialPod,
  ReferenceValues,
  ResourcePolicy,
  TrusteeProvider,
  TrusteeRollout,
} from "trustee-access";

// Both providers use kubectl's kubeconfig. Each could have its own.
const provider = new TrusteeProvider("trustee");
const cluster = new kubernetes.Provider("cluster", { enableSecretMutable: true });
const providers = [provider, cluster];

const live = await getTrustee({ createdSecrets: ["payments-key"] }, { provider });
const { url, certificate, policyKey, referenceValuesKey } = live;

// Plan the pod first: the policy names its initdata, and the pod depends on the policy.
const payments = planConfidentialPod("payments", {
  image: "registry.example/payments:1",
  trustee: { url, certificate },
  execCurl: ["payments-key/key"],
});

// When its initdata changes, the previous one stays accepted until the new pod is ready.
const rotation = { current: { [payments.initData]: "payments" }, overlapping: ["payments"] };

// The policy comes first, so that every secret is restricted before it is served.
const policy = new ResourcePolicy(
  "policy",
  {
    key: policyKey,
    rotation,
    grants: {
      stack: "payments",
      others: "affirming",
      secrets: { "payments-key": { [EVERY_KEY]: { [payments.initData]: "payments" } } },
    },
    registered: ["payments-key"],
  },
  { provider },
);
const key = new KbsSecret(
  "payments-key",
  { generate: { keys: ["key"] } },
  { providers, dependsOn: policy.before("payments-key") },
);
const digests = { snp_pcr08: [payments.initData], tdx_pcr08: [payments.initData] };
const values = new ReferenceValues("values", { key: referenceValuesKey, digests, rotation }, { provider });
const rollout = new TrusteeRollout(
  "rollout",
  { policy, referenceValues: values, secrets: [key] },
  { provider },
);
const pod = new ConfidentialPod("payments", payments, { provider: cluster, dependsOn: [rollout] });
new InitdataRotation(
  "rotation",
  {
    rotation,
    stack: "payments",
    policy,
    referenceValues: values,
    pods: [pod],
    keys: { policyKey, referenceValuesKey },
  },
  { provider },
);

export const initData = payments.initData;
