import { z } from "zod";
import { digestAlgorithms } from "../digest.ts";
import { requestDefaults, type AgentRequest } from "../initdata/agent-policy.ts";
import { bindings } from "../initdata/binding.ts";
import { workloadKinds } from "./workload.ts";

const agentRequests = Object.keys(requestDefaults) as [AgentRequest, ...AgentRequest[]];

/** `secret/key`, read from the repository `default`. */
const secretPath = z.string().regex(/^[^/\s\p{Cc}]+\/[^/\s\p{Cc}]+$/u, "a secret and a key as secret/key");

/** The settings that determine a pod's initdata. */
const initdataShape = {
  algorithm: z.enum(digestAlgorithms),
  binding: z.enum(bindings),
  /** Whether `kubectl logs` may read the pod's output. */
  logs: z.boolean(),
  /** The secrets, as secret/key, that exec may read by curl. */
  execCurl: z.array(secretPath),
  /** Further commands that exec may run, one line each. */
  execCommands: z.array(z.string().min(1)),
  /** `secret/key` of the image security policy; `false`: none. */
  imagePolicy: z.union([secretPath, z.literal(false)]),
  /** Agent API requests that differ from the tutorial's defaults. */
  agentRequests: z.partialRecord(z.enum(agentRequests), z.boolean()),
  /** Top-level strings of the document in addition to `pod_name`. */
  claims: z.record(
    z.string().regex(/^[A-Za-z0-9_-]+$/, "a claim's name of letters, digits, '_' and '-'"),
    z.string(),
  ),
};

/** The settings that determine a pod's spec. */
const podShape = {
  namespace: z.string(),
  /** The object to create: a Pod, or a controller with the pod as its template. */
  kind: z.enum(workloadKinds),
  /** The number of pods of a Deployment or StatefulSet. */
  replicas: z.number().int().min(0).max(10_000),
  /** `false`: only grant the pod and output its annotation; somebody else deploys it. */
  deploy: z.boolean(),
  /** Take over an existing object of this name. It must match the declaration. */
  adopt: z.boolean(),
  image: z.string().min(1),
  containerName: z.string(),
  runtimeClassName: z.string().min(1),
  /** The instance size, for example on Azure; `false`: no annotation. */
  machineType: z.union([z.string().min(1), z.literal(false)]),
  command: z.array(z.string()),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  /** The container's security context. Replaces the tutorial's; a pod's is merged over `podDefaults`. */
  securityContext: z.record(z.string(), z.json()),
  /** As in Kubernetes. A pod's `requests` and `limits` are merged over `podDefaults`. */
  resources: z.record(z.string(), z.json()),
};

const podOptions = z.strictObject({ ...initdataShape, ...podShape }).partial();
export const podDefaultsSchema = podOptions;

export const podSchema = podOptions.extend({
  name: z.string(),
  /** An existing initdata TOML file, used byte for byte instead of a generated one. */
  initdataFile: z.string().min(1).optional(),
});

export const podsSchema = z.array(podSchema);

export type PodOptions = z.output<typeof podDefaultsSchema>;
export type PodSettings = z.output<typeof podSchema>;
