import { z } from "zod";
import { digestAlgorithms } from "../digest.ts";
import { requestDefaults, type AgentRequest } from "../initdata/agent-policy.ts";
import { bindings } from "../initdata/binding.ts";
import { workloadKinds } from "./workload.ts";

/** Agent API requests, as zod wants them. */
const agentRequests = Object.keys(requestDefaults) as [AgentRequest, ...AgentRequest[]];

/** `secret/key`, read from the repository `default`. */
const secretPath = z.string().regex(/^[^/\s\p{Cc}]+\/[^/\s\p{Cc}]+$/u, "a secret and a key as secret/key");

/** What makes one pod's initdata. */
const initdataShape = {
  algorithm: z.enum(digestAlgorithms),
  binding: z.enum(bindings),
  /** Whether `kubectl logs` may read the pod's output. */
  logs: z.boolean(),
  /** The secrets, as secret/key, which exec may read by curl. */
  execCurl: z.array(secretPath),
  /** Further commands that exec may run, each as one line. */
  execCommands: z.array(z.string().min(1)),
  /** `secret/key` of the image security policy; `false`: none. */
  imagePolicy: z.union([secretPath, z.literal(false)]),
  /** Agent API requests that differ from the tutorial's defaults. */
  agentRequests: z.partialRecord(z.enum(agentRequests), z.boolean()),
  /** Further top-level strings of the document beside `pod_name`. */
  claims: z.record(
    z.string().regex(/^[A-Za-z0-9_-]+$/, "a claim's name of letters, digits, '_' and '-'"),
    z.string(),
  ),
};

/** What makes one pod's spec. */
const podShape = {
  namespace: z.string(),
  /** What is created: the pod itself, or a controller with the pod as its template. */
  kind: z.enum(workloadKinds),
  /** How many pods a Deployment or StatefulSet keeps. */
  replicas: z.number().int().min(0).max(10_000),
  /** `false`: the pod is granted and its annotation put out, but somebody else deploys it. */
  deploy: z.boolean(),
  /** Take over an existing object of this name, which has to be as declared. */
  adopt: z.boolean(),
  image: z.string().min(1),
  containerName: z.string(),
  runtimeClassName: z.string().min(1),
  /** The instance size, e.g. on Azure; `false`: no such annotation. */
  machineType: z.union([z.string().min(1), z.literal(false)]),
  command: z.array(z.string()),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  /** The container's security context, in place of the tutorial's; a pod's is merged over that of the defaults. */
  securityContext: z.record(z.string(), z.json()),
  /** As Kubernetes'; a pod's `requests` and `limits` are merged over those of the defaults. */
  resources: z.record(z.string(), z.json()),
};

const podOptions = z.strictObject({ ...initdataShape, ...podShape }).partial();
export const podDefaultsSchema = podOptions;

export const podSchema = podOptions.extend({
  name: z.string(),
  /** An existing initdata TOML file, taken byte for byte instead of a generated one. */
  initdataFile: z.string().min(1).optional(),
});

export const podsSchema = z.array(podSchema);

export type PodOptions = z.output<typeof podDefaultsSchema>;
export type PodSettings = z.output<typeof podSchema>;
