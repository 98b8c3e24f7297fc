import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { stringify } from "yaml";

/**
 * The stand-ins set this condition when they have started a confidential pod or a KBS pod. Until then kwok
 * keeps the pod pending, so that a ready pod always answers.
 */
export const STARTED_CONDITION = "sandbox.trustee-access/Started";

/** The runtime class of confidential pods. */
export const CONFIDENTIAL_RUNTIME_CLASS = "kata-remote";

const nodeStatus = `{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
  message: {{ .message | Quote }}
  reason: {{ .reason | Quote }}
  status: {{ .status | Quote }}
  type: {{ .type | Quote }}
{{ end }}
addresses:
- address: {{ NodeIP | Quote }}
  type: InternalIP
- address: {{ NodeName | Quote }}
  type: Hostname
daemonEndpoints:
  kubeletEndpoint:
    Port: {{ NodePort }}
allocatable: { cpu: 1k, memory: 1Ti, pods: 1k }
capacity: { cpu: 1k, memory: 1Ti, pods: 1k }
phase: Running
`;

const readyPodStatus = `{{ $now := Now }}
conditions:
{{ range $type := list "Initialized" "Ready" "ContainersReady" }}
- lastTransitionTime: {{ $now | Quote }}
  status: "True"
  type: {{ $type | Quote }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: true
  started: true
  restartCount: 0
  state:
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
initContainerStatuses:
{{ range .spec.initContainers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: true
  restartCount: 0
  state:
    terminated:
      exitCode: 0
      finishedAt: {{ $now | Quote }}
      reason: Completed
      startedAt: {{ $now | Quote }}
{{ end }}
{{ with NodeIPWith .spec.nodeName }}
hostIP: {{ . | Quote }}
hostIPs:
- ip: {{ . | Quote }}
{{ end }}
{{ with PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
podIP: {{ . | Quote }}
podIPs:
- ip: {{ . | Quote }}
{{ end }}
phase: Running
startTime: {{ $now | Quote }}
`;

interface Requirement {
  readonly key: string;
  readonly operator: "Exists" | "DoesNotExist" | "In" | "NotIn";
  readonly values?: readonly string[];
}

function condition(type: string): string {
  return `.status.conditions.[] | select( .type == "${type}" ) | .status`;
}

function stage(
  name: string,
  kind: "Node" | "Pod",
  matchExpressions: readonly Requirement[],
  next: object,
): object {
  return {
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "Stage",
    metadata: { name },
    spec: { resourceRef: { apiGroup: "v1", kind }, selector: { matchExpressions }, next },
  };
}

const pending: readonly Requirement[] = [
  { key: ".metadata.deletionTimestamp", operator: "DoesNotExist" },
  { key: ".status.phase", operator: "In", values: ["Pending"] },
  { key: condition("Ready"), operator: "NotIn", values: ["True"] },
];

/** kwok's "fast" stages, changed to wait for the stand-ins. */
const stages: readonly object[] = [
  stage("node-initialize", "Node", [{ key: condition("Ready"), operator: "NotIn", values: ["True"] }], {
    statusTemplate: nodeStatus,
  }),
  stage(
    "pod-ready",
    "Pod",
    [
      ...pending,
      { key: ".spec.runtimeClassName", operator: "NotIn", values: [CONFIDENTIAL_RUNTIME_CLASS] },
      { key: ".metadata.labels.app", operator: "NotIn", values: ["kbs"] },
    ],
    { statusTemplate: readyPodStatus },
  ),
  stage(
    "started-pod-ready",
    "Pod",
    [...pending, { key: condition(STARTED_CONDITION), operator: "In", values: ["True"] }],
    { statusTemplate: readyPodStatus },
  ),
  stage("pod-delete", "Pod", [{ key: ".metadata.deletionTimestamp", operator: "Exists" }], { delete: true }),
];

/**
 * Lets kwok run commands on this machine, as this user. kwok's server cannot require a client certificate.
 * But it runs commands only in listed containers, and takes the container's name from the request. The listed
 * name is a secret.
 */
function exec(container: string): object {
  return {
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "ClusterExec",
    metadata: { name: "every-pod" },
    spec: { execs: [{ containers: [container], local: { workDir: "/" } }] },
  };
}

/** A secret container name for kwok's exec. A client that knows it can run any command as this user. */
export function newExecContainer(): string {
  return randomBytes(32).toString("hex");
}

/**
 * Writes kwok's configuration, readable only by this user.
 * @param execContainer the secret container name, see {@link newExecContainer}
 */
export async function writeKwokConfiguration(file: string, execContainer: string): Promise<void> {
  const documents = [...stages, exec(execContainer)];
  const text = documents.map((document) => stringify(document, { lineWidth: 0 })).join("---\n");
  await writeFile(file, text, { mode: 0o600 });
}
