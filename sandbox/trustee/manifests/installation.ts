import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Generation, generationFacts } from "../../../core/trustee/generation.ts";
import { MIGRATED_ANNOTATION, MIGRATED_VERSION, REDHAT_ROUTE } from "../../../core/trustee/redhat.ts";
import { KBS_CONFIG } from "./kbs.ts";
import {
  configMap,
  type Manifest,
  NAMESPACE,
  type OperatorBuild,
  ownedBy,
  sampleSecret,
  secret,
} from "./objects.ts";
import { priorReferenceValues, referenceValuesData } from "./reference-values.ts";

/** The host that an OpenShift router assigns to a route. */
function hostOf(route: string): string {
  return `${route}-${NAMESPACE}.apps.sandbox.example`;
}

/** The hosts of all generations. The KBS's certificate covers them, so that Trustee can be upgraded. */
export const kbsHosts: readonly string[] = Object.values(generationFacts).map(({ route }) => hostOf(route));

export interface InstallationOptions {
  readonly generation: Generation;
  /** @default "upstream" */
  readonly operator?: OperatorBuild;
  /** Without the changes of the tutorial's earlier steps. */
  readonly fresh: boolean;
  /** PEM of a certificate for {@link kbsHosts}, and of its key. */
  readonly certificate: string;
  readonly key: string;
}

const resource = async (name: string): Promise<string> => readFile(join(import.meta.dirname, name), "utf8");

/** The objects that exist before the operator's controllers act. */
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

/**
 * The secrets of the tutorial's earlier steps. kbsres1 is one of them, because new operators do not install
 * it.
 */
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

/** The ConfigMaps that the operator creates. */
export async function configMaps(
  { generation, operator, fresh }: Pick<InstallationOptions, "generation" | "operator" | "fresh">,
  owner: readonly object[],
): Promise<readonly Manifest[]> {
  // Red Hat's operator 1.2 marks the ConfigMaps that it has created or migrated.
  const marks =
    operator === "red-hat" && generation === "0.21" ? { [MIGRATED_ANNOTATION]: MIGRATED_VERSION } : undefined;
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
      marks,
    ),
    configMap(
      "trusteeconfig-resource-policy",
      { [policyKey]: await resource("resource-policy.rego") },
      owner,
      marks,
    ),
    configMap("trusteeconfig-rvps-reference-values", values, owner, marks),
    configMap("trusteeconfig-attestation-policy-cpu", { "default_cpu.rego": attestation }, owner, marks),
    configMap("trusteeconfig-attestation-policy-gpu", { "default_gpu.rego": attestation }, owner, marks),
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

/**
 * The route to the KBS. An administrator creates it, or Red Hat's operator.
 * @param owner the TrusteeConfig; set only for Red Hat's operator
 */
export function kbsRoute(generation: Generation, owner?: readonly object[]): Manifest {
  const name = owner === undefined ? generationFacts[generation].route : REDHAT_ROUTE;
  return {
    apiVersion: "route.openshift.io/v1",
    kind: "Route",
    metadata: { name, namespace: NAMESPACE, ...(owner === undefined ? {} : { ownerReferences: owner }) },
    spec: {
      host: hostOf(name),
      port: { targetPort: "kbs-port" },
      tls: { termination: "passthrough" },
      to: { kind: "Service", name: "kbs-service", weight: 100 },
    },
  };
}

/**
 * The objects that the operator creates for the TrusteeConfig and, unless `fresh`, those of the tutorial's
 * earlier steps.
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
    kbsRoute(options.generation, options.operator === "red-hat" ? owner : undefined),
    kbsConfig(options, owner),
  ];
}

/**
 * Objects other than Trustee: its namespace, the runtime class of confidential pods, and the node that runs
 * them.
 */
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
