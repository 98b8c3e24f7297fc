import { defined } from "../../../core/records.ts";
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

/** A volume of the KBS's pod, and where the KBS's container mounts it. */
interface Volume {
  readonly name: string;
  readonly source: object;
  /** Absent: only the init container mounts it. */
  readonly mountPath?: string;
  /** The key of a ConfigMap that is mounted as a file. */
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

const memory = { emptyDir: { medium: "Memory" } };

function fromConfigMap(name: string): object {
  return { configMap: { name, defaultMode: 420 } };
}

function fromSecret(secretName: string): object {
  return { secret: { secretName, defaultMode: 420 } };
}

function volume(name: string, source: object, mountPath?: string, subPath?: string): Volume {
  return { name, source, ...defined({ mountPath, subPath }) };
}

function mountsOf(volumes: readonly Volume[]): readonly object[] {
  return volumes.flatMap(({ source: _, ...mount }) => (mount.mountPath === undefined ? [] : [mount]));
}

/** The attestation policies of CPUs and GPUs, each a file of a folder in memory. */
function attestationPolicies(folder: string): readonly Volume[] {
  const [cpu, gpu] = ["default_cpu.rego", "default_gpu.rego"];
  const map = (device: string): object => fromConfigMap(`trusteeconfig-attestation-policy-${device}`);
  return [
    volume("attestation-policy-dir", memory, folder),
    volume("attestation-policy", map("cpu"), `${folder}/${cpu}`, cpu),
    volume("attestation-policy-gpu", map("gpu"), `${folder}/${gpu}`, gpu),
  ];
}

const settings = volume("kbs-config", fromConfigMap("trusteeconfig-kbs-config"), "/etc/kbs-config");
const policy = fromConfigMap("trusteeconfig-resource-policy");
const values = fromConfigMap("trusteeconfig-rvps-reference-values");
const credentials = [
  volume("auth-secret", fromSecret("trusteeconfig-auth-secret"), "/etc/auth-secret"),
  volume("https-key", fromSecret("trusteeconfig-https-key-secret"), "/etc/https-key"),
  volume("https-cert", fromSecret("trusteeconfig-https-cert-secret"), "/etc/https-cert"),
];

/** A pod's spec with the KBS's container. */
function podSpec(
  volumes: readonly Volume[],
  initContainers: { readonly initContainers?: readonly object[] },
) {
  const kbs = {
    command: ["/usr/local/bin/kbs", "--config-file", "/etc/kbs-config/kbs-config.toml"],
    image: "kbs:x",
    imagePullPolicy: "IfNotPresent",
    name: "kbs",
    ports: [{ containerPort: 8080, name: "kbs", protocol: "TCP" }],
    resources: {},
    securityContext: restricted,
    ...terminationMessage,
    volumeMounts: mountsOf(volumes),
  };
  return {
    containers: [kbs],
    ...initContainers,
    dnsPolicy: "ClusterFirst",
    restartPolicy: "Always",
    schedulerName: "default-scheduler",
    securityContext: {},
    terminationGracePeriodSeconds: 30,
    volumes: volumes.map(({ name, source }) => ({ name, ...source })),
  };
}

/** Operators up to v0.18 mount each secret as a folder of the KBS's repository. */
function podSpec18(secrets: readonly string[]): object {
  const repository = `${DATA}/kbs/repository/default`;
  const tdx = "sgx_default_qcnl.conf";
  const volumes = [
    volume("confidential-containers", memory, DATA),
    volume("default", memory, repository),
    settings,
    ...attestationPolicies(`${DATA}/attestation-service/policies/opa`),
    volume("opa", policy, `${DATA}/opa`),
    volume("tdx-config", fromConfigMap("trusteeconfig-tdx-config"), `/etc/${tdx}`, tdx),
    ...credentials,
    ...secrets.map((name) => volume(name, fromSecret(name), `${repository}/${name}`)),
    volume("reference-values", values, `${DATA}/rvps/reference-values`),
  ];
  return podSpec(volumes, {});
}

/** From v0.19 on, an init container copies the secrets into the KBS's storage. */
function podSpec21(secrets: readonly string[]): object {
  const storage = `${DATA}/storage`;
  const [policyKey, valuesKey] = ["resource-policy.rego", "reference_value"];
  const volumes = [
    settings,
    volume("base-storage-dir", memory, storage),
    ...attestationPolicies(`${storage}/attestation_service_policy`),
    volume("resource-policy-dir", memory, `${storage}/kbs`),
    volume("resource-policy", policy, `${storage}/kbs/${policyKey}`, policyKey),
    ...credentials,
    volume("repository-dir", memory, `${storage}/repository`),
    ...secrets.map((name) => volume(name, fromSecret(name))),
    volume("rvps-dir", memory, `${storage}/local_json`),
    volume("reference-values", values, `${storage}/local_json/${valuesKey}`, valuesKey),
  ];
  const converter = {
    command: ["/secret-converter"],
    image: "op:x",
    imagePullPolicy: "IfNotPresent",
    name: "secret-converter",
    resources: {},
    securityContext: { ...restricted, runAsNonRoot: true },
    ...terminationMessage,
    volumeMounts: [
      ...mountsOf(volumes),
      ...secrets.map((name) => ({ name, mountPath: `/tmp/kbs-secrets/${name}` })),
    ],
  };
  return podSpec(volumes, { initContainers: [converter] });
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
