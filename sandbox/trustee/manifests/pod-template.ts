import type { Generation } from "../../../core/trustee/generation.ts";

/** Operators from v0.21 on change this annotation when a mounted ConfigMap changes, which rolls the KBS. */
const CONFIGMAP_VERSIONS = "kbs.confidentialcontainers.org/configmap-versions";

/** The ConfigMaps that {@link CONFIGMAP_VERSIONS} lists, in its order. */
export const versionedConfigMaps = [
  "trusteeconfig-kbs-config",
  "trusteeconfig-rvps-reference-values",
  "trusteeconfig-attestation-policy-cpu",
  "trusteeconfig-attestation-policy-gpu",
  "trusteeconfig-resource-policy",
] as const;

interface Mount {
  readonly mountPath: string;
  readonly name: string;
  readonly subPath?: string;
}

const DATA = "/opt/confidential-containers";

const restricted = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
} as const;

const terminationMessage = {
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
} as const;

function mount(name: string, mountPath: string, subPath?: string): Mount {
  return { mountPath, name, ...(subPath === undefined ? {} : { subPath }) };
}

function memory(name: string): object {
  return { name, emptyDir: { medium: "Memory" } };
}

function fromConfigMap(name: string, source: string): object {
  return { name, configMap: { name: source, defaultMode: 420 } };
}

function fromSecret(name: string, source: string): object {
  return { name, secret: { secretName: source, defaultMode: 420 } };
}

const credentialVolumes = [
  fromSecret("auth-secret", "trusteeconfig-auth-secret"),
  fromSecret("https-key", "trusteeconfig-https-key-secret"),
  fromSecret("https-cert", "trusteeconfig-https-cert-secret"),
];

const credentialMounts = [
  mount("auth-secret", "/etc/auth-secret"),
  mount("https-key", "/etc/https-key"),
  mount("https-cert", "/etc/https-cert"),
];

function kbsContainer(volumeMounts: readonly Mount[]): object {
  return {
    command: ["/usr/local/bin/kbs", "--config-file", "/etc/kbs-config/kbs-config.toml"],
    image: "kbs:x",
    imagePullPolicy: "IfNotPresent",
    name: "kbs",
    ports: [{ containerPort: 8080, name: "kbs", protocol: "TCP" }],
    resources: {},
    securityContext: restricted,
    ...terminationMessage,
    volumeMounts,
  };
}

const podDefaults = {
  dnsPolicy: "ClusterFirst",
  restartPolicy: "Always",
  schedulerName: "default-scheduler",
  securityContext: {},
  terminationGracePeriodSeconds: 30,
} as const;

/** Operators up to v0.18 mount each secret as a folder of the KBS's repository. */
function podSpec18(secrets: readonly string[]): object {
  const policies = `${DATA}/attestation-service/policies/opa`;
  const mounts = [
    mount("confidential-containers", DATA),
    mount("default", `${DATA}/kbs/repository/default`),
    mount("kbs-config", "/etc/kbs-config"),
    mount("attestation-policy-dir", policies),
    mount("attestation-policy", `${policies}/default_cpu.rego`, "default_cpu.rego"),
    mount("attestation-policy-gpu", `${policies}/default_gpu.rego`, "default_gpu.rego"),
    mount("opa", `${DATA}/opa`),
    mount("tdx-config", "/etc/sgx_default_qcnl.conf", "sgx_default_qcnl.conf"),
    ...credentialMounts,
    ...secrets.map((name) => mount(name, `${DATA}/kbs/repository/default/${name}`)),
    mount("reference-values", `${DATA}/rvps/reference-values`),
  ];
  const volumes = [
    memory("confidential-containers"),
    memory("default"),
    fromConfigMap("kbs-config", "trusteeconfig-kbs-config"),
    memory("attestation-policy-dir"),
    fromConfigMap("attestation-policy", "trusteeconfig-attestation-policy-cpu"),
    fromConfigMap("attestation-policy-gpu", "trusteeconfig-attestation-policy-gpu"),
    fromConfigMap("opa", "trusteeconfig-resource-policy"),
    fromConfigMap("tdx-config", "trusteeconfig-tdx-config"),
    ...credentialVolumes,
    ...secrets.map((name) => fromSecret(name, name)),
    fromConfigMap("reference-values", "trusteeconfig-rvps-reference-values"),
  ];
  return { containers: [kbsContainer(mounts)], ...podDefaults, volumes };
}

/** From v0.19 on, an init container copies the secrets into the KBS's storage. */
function podSpec21(secrets: readonly string[]): object {
  const storage = `${DATA}/storage`;
  const policies = `${storage}/attestation_service_policy`;
  const mounts = [
    mount("kbs-config", "/etc/kbs-config"),
    mount("base-storage-dir", storage),
    mount("attestation-policy-dir", policies),
    mount("attestation-policy", `${policies}/default_cpu.rego`, "default_cpu.rego"),
    mount("attestation-policy-gpu", `${policies}/default_gpu.rego`, "default_gpu.rego"),
    mount("resource-policy-dir", `${storage}/kbs`),
    mount("resource-policy", `${storage}/kbs/resource-policy.rego`, "resource-policy.rego"),
    ...credentialMounts,
    mount("repository-dir", `${storage}/repository`),
    mount("rvps-dir", `${storage}/local_json`),
    mount("reference-values", `${storage}/local_json/reference_value`, "reference_value"),
  ];
  const converter = {
    command: ["/secret-converter"],
    image: "op:x",
    imagePullPolicy: "IfNotPresent",
    name: "secret-converter",
    resources: {},
    securityContext: { ...restricted, runAsNonRoot: true },
    ...terminationMessage,
    volumeMounts: [...mounts, ...secrets.map((name) => mount(name, `/tmp/kbs-secrets/${name}`))],
  };
  const volumes = [
    fromConfigMap("kbs-config", "trusteeconfig-kbs-config"),
    memory("base-storage-dir"),
    memory("attestation-policy-dir"),
    fromConfigMap("attestation-policy", "trusteeconfig-attestation-policy-cpu"),
    fromConfigMap("attestation-policy-gpu", "trusteeconfig-attestation-policy-gpu"),
    memory("resource-policy-dir"),
    fromConfigMap("resource-policy", "trusteeconfig-resource-policy"),
    ...credentialVolumes,
    memory("repository-dir"),
    ...secrets.map((name) => fromSecret(name, name)),
    memory("rvps-dir"),
    fromConfigMap("reference-values", "trusteeconfig-rvps-reference-values"),
  ];
  return { containers: [kbsContainer(mounts)], initContainers: [converter], ...podDefaults, volumes };
}

export interface PodTemplate {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: object;
}

/**
 * The operator's pod template for the KBS.
 * @param secrets spec.kbsSecretResources, in order
 * @param versions resourceVersion of each of {@link versionedConfigMaps}; used only in 0.21
 */
export function podTemplate(
  generation: Generation,
  secrets: readonly string[],
  versions: readonly string[],
): PodTemplate {
  const labels = { app: "kbs" };
  if (generation === "0.18") return { metadata: { labels }, spec: podSpec18(secrets) };
  const value = versionedConfigMaps.map((name, index) => `${name}:${versions[index] ?? ""}`).join(",");
  return { metadata: { labels, annotations: { [CONFIGMAP_VERSIONS]: value } }, spec: podSpec21(secrets) };
}
