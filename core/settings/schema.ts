import { z } from "zod";
import { requestDefaults, type AgentRequest } from "../initdata/agent-policy.ts";
import { bindings } from "../initdata/binding.ts";
import { digestAlgorithms } from "../digest.ts";
import { otherSecretsModes } from "../policy/grants.ts";
import { generations, trusteeNames } from "../trustee/generation.ts";

/** Agent API requests, as zod wants them. */
const agentRequests = Object.keys(requestDefaults) as [AgentRequest, ...AgentRequest[]];

/** `secret/key`, read from the repository `default`. */
const secretPath = z.string().regex(/^[^/\s]+\/[^/\s]+$/, "a secret and a key as secret/key");

/** A cluster as kubectl knows it. */
const clusterShape = {
  /** Path of a kubeconfig file. @default what kubectl takes: $KUBECONFIG, ~/.kube/config, or the pod's own account */
  kubeconfig: z.string().min(1).optional(),
  /** A context of that kubeconfig. @default its current context */
  context: z.string().min(1).optional(),
};

export const clusterSchema = z.strictObject(clusterShape);

export const trusteeSchema = z.strictObject({
  ...clusterShape,
  /** The namespace of Trustee and its operator. */
  namespace: z.string().default(trusteeNames.namespace),
  kbsConfig: z.string().default(trusteeNames.kbsConfig),
  deployment: z.string().default(trusteeNames.deployment),
  /** The Secret with the KBS's certificate under `tls.crt`. */
  certificateSecret: z.string().default(trusteeNames.certificate),
  /** The KBS as the guests reach it, where there is no OpenShift route. @default the route's host, by https */
  url: z.url().optional(),
  /** Pins the generation of Trustee. @default found out from the live ConfigMaps */
  generation: z.enum(generations).optional(),
  /** How long a rollout of the KBS may take, in minutes. */
  rolloutTimeoutMinutes: z.number().int().positive().max(240).default(10),
});

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
  claims: z.record(z.string().regex(/^[A-Za-z0-9_-]+$/), z.string()),
};

/** What makes one pod's spec. */
const podShape = {
  namespace: z.string(),
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
  /** The container's security context, in place of the tutorial's. */
  securityContext: z.record(z.string(), z.json()),
  resources: z.record(z.string(), z.json()),
};

const podOptions = z.strictObject({ ...initdataShape, ...podShape }).partial();
export const podDefaultsSchema = podOptions;
export const podsSchema = z.array(
  podOptions.extend({
    name: z.string(),
    /** An existing initdata TOML file, taken byte for byte instead of a generated one. */
    initdataFile: z.string().min(1).optional(),
  }),
);

export const secretsSchema = z.array(
  z.strictObject({
    name: z.string(),
    keys: z.array(z.string()).min(1),
    /** `existing`: somebody else made the Secret. `setting`: created here, from the encrypted setting `secretValues`. */
    from: z.enum(["existing", "setting"]).default("existing"),
  }),
);

export const grantsSchema = z.array(
  z.strictObject({
    pod: z.string(),
    secret: z.string(),
    /** @default every key of the secret */
    key: z.string().optional(),
  }),
);

export const referenceValuesSchema = z.strictObject({
  /** The entries that the pods' digests go into. */
  entries: z.array(z.string().min(1)).min(1).default(["snp_pcr08", "tdx_pcr08"]),
  /** For how many days an entry holds that has to be created. */
  validityDays: z.number().int().min(31).max(36_500).default(365),
});

/** Every setting, by its name in the stack's configuration (`trustee-access:<name>`), with its shape. */
export const sections = {
  trustee: trusteeSchema.prefault({}),
  podCluster: clusterSchema.prefault({}),
  secrets: secretsSchema.default([]),
  podDefaults: podDefaultsSchema.default({}),
  pods: podsSchema.default([]),
  grants: grantsSchema.default([]),
  /** What happens to every secret that is neither named in a grant nor created here. */
  otherSecrets: z.enum(otherSecretsModes).default("affirming"),
  referenceValues: referenceValuesSchema.prefault({}),
} as const;

export type SectionName = keyof typeof sections;
export type Sections = { readonly [Name in SectionName]: z.output<(typeof sections)[Name]> };
export type PodSettings = Sections["pods"][number];
export type SecretSettings = Sections["secrets"][number];
export type GrantSettings = Sections["grants"][number];
