import type { DigestAlgorithm } from "../digest.ts";
import { curlCommand, type AgentPolicy } from "../initdata/agent-policy.ts";
import type { Binding } from "../initdata/binding.ts";
import { isRecord, own } from "../records.ts";
import type { PodOptions, PodSettings } from "./pod-schema.ts";
import { DEFAULT_NAMESPACE, hasReplicas, podId, type WorkloadKind } from "./workload.ts";

type Json = PodOptions["securityContext"];

/** One pod with every default filled in. */
export interface PodDeclaration {
  /** The pod's name in grants, outputs and the policy: see {@link podId}. */
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly kind: WorkloadKind;
  /** Absent: the kind has no replicas, or Kubernetes' default applies. */
  readonly replicas?: number;
  readonly deploy: boolean;
  readonly adopt: boolean;
  readonly algorithm: DigestAlgorithm;
  readonly binding: Binding;
  readonly claims: Readonly<Record<string, string>>;
  readonly agentPolicy: AgentPolicy;
  /** `kbs:///default/<secret>/<key>`. Absent: the guest requests no image policy. */
  readonly imagePolicyUri?: string;
  /** A file with the initdata, used byte for byte. Absent: the initdata is generated. */
  readonly initdataFile?: string;
  readonly image: string;
  readonly containerName: string;
  readonly runtimeClassName: string;
  readonly machineType?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly securityContext: NonNullable<Json>;
  readonly resources?: NonNullable<Json>;
}

/** The tutorial's container security context: no privileges, no root, no capabilities. */
const tutorialSecurityContext: NonNullable<Json> = {
  privileged: false,
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  runAsUser: 1001,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

/** The image policy that the tutorial's guests request. */
const IMAGE_POLICY = "trustee-image-policy/policy";

/**
 * Merges a pod's map over that of `podDefaults`, member by member. Setting one member keeps the others, for
 * example a hardened `securityContext`.
 * @param merged members that are maps and are merged too; all other members are replaced
 */
function over(set: Json, defaults: Json, merged: readonly string[] = []): Json {
  if (set === undefined || defaults === undefined) return set ?? defaults;
  const both = merged.flatMap((name) => {
    const [below, above] = [own(defaults, name), own(set, name)];
    return isRecord(below) && isRecord(above) ? [[name, { ...below, ...above }] as const] : [];
  });
  return { ...defaults, ...set, ...Object.fromEntries(both) };
}

/**
 * Merges a pod's settings over `podDefaults`, and these over the tutorial's defaults. Maps are merged, other
 * values replaced. Exception: any given security context replaces the tutorial's completely.
 */
export function declarePod(pod: PodSettings, defaults: PodOptions): PodDeclaration {
  const set = { ...defaults, ...pod };
  const namespace = set.namespace ?? DEFAULT_NAMESPACE;
  const kind = set.kind ?? "Pod";
  // A default of all pods applies only to the kinds that it fits.
  const replicas = pod.replicas ?? (hasReplicas(kind) ? defaults.replicas : undefined);
  const imagePolicy = set.imagePolicy ?? IMAGE_POLICY;
  const machineType = set.machineType ?? false;
  const resources = over(pod.resources, defaults.resources, ["requests", "limits"]);
  return {
    id: podId(namespace, pod.name),
    name: pod.name,
    namespace,
    kind,
    ...(replicas === undefined ? {} : { replicas }),
    deploy: set.deploy ?? true,
    adopt: pod.adopt ?? (kind === "Pod" && defaults.adopt === true),
    algorithm: set.algorithm ?? "sha256",
    binding: set.binding ?? "azure-vtpm",
    claims: {
      ...defaults.claims,
      ...pod.claims,
      pod_name: pod.name,
      // pod_namespace tells pods of one name apart. In `default` it is omitted, as in the tutorial's
      // document.
      ...(namespace === DEFAULT_NAMESPACE ? {} : { pod_namespace: namespace }),
    },
    agentPolicy: {
      logs: set.logs ?? true,
      allowedCommands: [
        ...(set.execCurl ?? []).map((path) => {
          const [secret = "", key = ""] = path.split("/");
          return curlCommand(secret, key);
        }),
        ...(set.execCommands ?? []),
      ],
      requests: { ...defaults.agentRequests, ...pod.agentRequests },
    },
    ...(imagePolicy === false ? {} : { imagePolicyUri: `kbs:///default/${imagePolicy}` }),
    ...(pod.initdataFile === undefined ? {} : { initdataFile: pod.initdataFile }),
    image: set.image ?? "",
    containerName: set.containerName ?? pod.name,
    runtimeClassName: set.runtimeClassName ?? "kata-remote",
    ...(machineType === false ? {} : { machineType }),
    ...(set.command === undefined ? {} : { command: set.command }),
    ...(set.args === undefined ? {} : { args: set.args }),
    env: { ...defaults.env, ...pod.env },
    labels: { ...defaults.labels, ...pod.labels },
    annotations: { ...defaults.annotations, ...pod.annotations },
    securityContext: over(pod.securityContext, defaults.securityContext) ?? tutorialSecurityContext,
    ...(resources === undefined ? {} : { resources }),
  };
}
