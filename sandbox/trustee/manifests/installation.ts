import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Generation, generationFacts, generations } from "../../../core/trustee/generation.ts";
import { KBS_CONFIG } from "./kbs.ts";
import { configMap, type Manifest, NAMESPACE, ownedBy, sampleSecret, secret } from "./objects.ts";
import { priorReferenceValues, referenceValuesData } from "./reference-values.ts";

/** The host of the route to the KBS, as an OpenShift router names it. */
function kbsHost(generation: Generation): string {
  return `${generationFacts[generation].route}-${NAMESPACE}.apps.sandbox.example`;
}

/** The KBS's certificate covers both, so that Trustee can be upgraded. */
export const kbsHosts: readonly string[] = generations.map(kbsHost);

export interface InstallationOptions {
  readonly generation: Generation;
  /** As the operator installs it; otherwise as the tutorial's earlier steps leave it. */
  readonly fresh: boolean;
  /** PEM of the certificate that covers {@link kbsHosts}, and of its key. */
  readonly certificate: string;
  readonly key: string;
}

const resource = async (name: string): Promise<string> => readFile(join(import.meta.dirname, name), "utf8");

/** What is there before the operator's own controllers act. */
export function trusteeConfig(options: InstallationOptions): readonly Manifest[] {
  return [
    secret(
      "trustee-tls-cert",
      { "tls.crt": options.certificate, "tls.key": options.key },
      undefined,
      "kubernetes.io/tls",
    ),
    {
      apiVersion: "confidentialcontainers.org/v1alpha1",
      kind: "TrusteeConfig",
      metadata: { name: "trusteeconfig", namespace: NAMESPACE },
      spec: {
        httpsSpec: { tlsSecretName: "trustee-tls-cert" },
        kbsServiceType: "ClusterIP",
        profileType: "Restricted",
      },
    },
  ];
}

/** The secrets of the tutorial's earlier steps. The nine commands read kbsres1, which only older operators install. */
function preparedSecrets(generation: Generation): readonly Manifest[] {
  const policy = { default: [{ type: "insecureAcceptAnything" }], transports: {} };
  return [
    secret("trustee-image-policy", { policy: `${JSON.stringify(policy, null, 2)}\n` }),
    secret("fraud-dataset", { dataset_key: "sandbox dataset decryption key" }),
    ...(generation === "0.18" ? [] : [secret("kbsres1", { key1: "resval1", key2: "resval2" })]),
  ];
}

function sample(generation: Generation, owner: readonly object[]): Manifest {
  const values = generation === "0.18" ? { key1: "resval1", key2: "resval2" } : { status: "success" };
  return secret(sampleSecret[generation], values, owner);
}

async function configMaps(
  options: InstallationOptions,
  owner: readonly object[],
): Promise<readonly Manifest[]> {
  const { generation, fresh } = options;
  const { policyKey } = generationFacts[generation];
  const values = referenceValuesData(generation, fresh ? [] : priorReferenceValues);
  const attestation = await resource("attestation-policy.rego");
  const qcnl =
    '{\n    "collateral_service": "https://api.trustedservices.intel.com/sgx/certification/v4/"\n}\n';
  return [
    configMap(
      "trusteeconfig-kbs-config",
      { "kbs-config.toml": await resource(`kbs-config-${generation}.toml`) },
      owner,
    ),
    configMap(
      "trusteeconfig-resource-policy",
      { [policyKey]: await resource("resource-policy.rego") },
      owner,
    ),
    configMap("trusteeconfig-rvps-reference-values", values, owner),
    configMap("trusteeconfig-attestation-policy-cpu", { "default_cpu.rego": attestation }, owner),
    configMap("trusteeconfig-attestation-policy-gpu", { "default_gpu.rego": attestation }, owner),
    ...(generation === "0.18"
      ? [configMap("trusteeconfig-tdx-config", { "sgx_default_qcnl.conf": qcnl }, owner)]
      : []),
  ];
}

function kbsConfig(options: InstallationOptions, owner: readonly object[]): Manifest {
  const { generation, fresh } = options;
  const prepared = fresh ? [] : preparedSecrets(generation).map((each) => each.metadata.name);
  return {
    apiVersion: "confidentialcontainers.org/v1alpha1",
    kind: "KbsConfig",
    metadata: {
      name: KBS_CONFIG,
      namespace: NAMESPACE,
      finalizers: ["kbsconfig.confidentialcontainers.org/finalizer"],
      ownerReferences: owner,
    },
    spec: {
      KbsDeploymentSpec: { replicas: 1 },
      ibmSEConfigSpec: {},
      kbsAttestationPolicyConfigMapName: "trusteeconfig-attestation-policy-cpu",
      kbsAuthSecretName: "trusteeconfig-auth-secret",
      kbsConfigMapName: "trusteeconfig-kbs-config",
      kbsDeploymentType: "AllInOneDeployment",
      kbsGpuAttestationPolicyConfigMapName: "trusteeconfig-attestation-policy-gpu",
      kbsHttpsCertSecretName: "trusteeconfig-https-cert-secret",
      kbsHttpsKeySecretName: "trusteeconfig-https-key-secret",
      kbsLocalCertCacheSpec: {},
      kbsResourcePolicyConfigMapName: "trusteeconfig-resource-policy",
      kbsRvpsRefValuesConfigMapName: "trusteeconfig-rvps-reference-values",
      kbsSecretResources: [sampleSecret[generation], ...prepared],
      kbsServiceType: "ClusterIP",
      ...(generation === "0.18"
        ? { tdxConfigSpec: { kbsTdxConfigMapName: "trusteeconfig-tdx-config" } }
        : {}),
    },
  };
}

/** The route to the KBS, which an administrator makes. */
export function kbsRoute(generation: Generation): Manifest {
  return {
    apiVersion: "route.openshift.io/v1",
    kind: "Route",
    metadata: { name: generationFacts[generation].route, namespace: NAMESPACE },
    spec: {
      host: kbsHost(generation),
      port: { targetPort: "kbs-port" },
      tls: { termination: "passthrough" },
      to: { kind: "Service", name: "kbs-service", weight: 100 },
    },
  };
}

/**
 * What the operator makes of the TrusteeConfig, and, unless `fresh`, what the tutorial's earlier steps add to it.
 * @param uid of the TrusteeConfig
 */
export async function installation(options: InstallationOptions, uid: string): Promise<readonly Manifest[]> {
  const owner = ownedBy("TrusteeConfig", "trusteeconfig", uid);
  return [
    ...(await configMaps(options, owner)),
    secret("trusteeconfig-auth-secret", { privateKey: options.key, publicKey: options.certificate }, owner),
    secret("trusteeconfig-https-cert-secret", { certificate: options.certificate }, owner),
    secret("trusteeconfig-https-key-secret", { privateKey: options.key }, owner),
    sample(options.generation, owner),
    ...(options.fresh ? [] : preparedSecrets(options.generation)),
    kbsRoute(options.generation),
    kbsConfig(options, owner),
  ];
}

/** What the cluster has beside Trustee: the runtime class of confidential pods and the node that runs them. */
export const clusterManifests: readonly Manifest[] = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
  {
    apiVersion: "node.k8s.io/v1",
    kind: "RuntimeClass",
    metadata: { name: "kata-remote" },
    handler: "kata-remote",
  },
  {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: "kata-worker",
      labels: {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": "kata-worker",
        "kubernetes.io/os": "linux",
        "node-role.kubernetes.io/worker": "",
      },
      annotations: { "kwok.x-k8s.io/node": "fake" },
    },
  },
];
