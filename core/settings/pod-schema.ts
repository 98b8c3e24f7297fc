import { z } from "zod";
import { digestAlgorithms } from "../digest.ts";
import { requestDefaults, type AgentRequest } from "../initdata/agent-policy.ts";
import { bindings } from "../initdata/binding.ts";
import { about } from "./about.ts";
import { workloadKinds } from "./workload.ts";

const agentRequests = Object.keys(requestDefaults) as [AgentRequest, ...AgentRequest[]];

/** `secret/key`, read from the repository `default`. */
const secretPath = z.string().regex(/^[^/\s\p{Cc}]+\/[^/\s\p{Cc}]+$/u, "a secret and a key as secret/key");

/** The settings that determine a pod's initdata. */
const initdataShape = {
  algorithm: z
    .enum(digestAlgorithms)
    .meta(about("of the initdata's digest; a vTPM binds `sha256` only", "`sha256`")),
  binding: z.enum(bindings).meta(about("how the TEE binds the initdata, see below", "`azure-vtpm`")),
  logs: z.boolean().meta(about("whether `kubectl logs` may read the pod's output", "`true`")),
  execCurl: z
    .array(secretPath)
    .meta(about("secrets, as `secret/key`, that exec may read by curl", "none: exec is refused")),
  execCommands: z
    .array(z.string().min(1))
    .meta(about("further commands that exec may run, each as one line")),
  imagePolicy: z
    .union([secretPath, z.literal(false)])
    .meta(about("`secret/key` of the image security policy; `false`: none", "`trustee-image-policy/policy`")),
  agentRequests: z
    .partialRecord(z.enum(agentRequests), z.boolean())
    .meta(about("requests of the agent API to allow or refuse, if not as in the tutorial")),
  claims: z
    .record(
      z.string().regex(/^[A-Za-z0-9_-]+$/, "a claim's name of letters, digits, '_' and '-'"),
      z.string(),
    )
    .meta(about("further top-level strings of the initdata, each one line without control characters")),
};

const AS_KUBERNETES = about("as in Kubernetes");

/** The settings that determine a pod's spec. */
const podShape = {
  namespace: z
    .string()
    .meta(
      about(
        "other than `default`: also `pod_namespace` in the initdata, and the pod is called `namespace/name`",
        "`default`",
      ),
    ),
  kind: z
    .enum(workloadKinds)
    .meta(about("the object to create. All pods of a template are one reader", "`Pod`")),
  replicas: z
    .number()
    .int()
    .min(0)
    .max(10_000)
    .meta(about("of a Deployment or StatefulSet", "Kubernetes' own")),
  deploy: z
    .boolean()
    .meta(
      about(
        "`false`: granted here, deployed elsewhere with the annotation from the output `annotations`",
        "`true`",
      ),
    ),
  adopt: z
    .boolean()
    .meta(about("takes over an existing Pod of that name: [step by step](adopt.md)", "`false`")),
  image: z.string().min(1).meta(about("the container's image", "required, here or in `podDefaults`")),
  containerName: z.string().meta(about("the container's name", "the pod's name")),
  runtimeClassName: z
    .string()
    .min(1)
    .meta(about("for example `kata-qemu-coco-dev` on a development cluster without a TEE", "`kata-remote`")),
  machineType: z
    .union([z.string().min(1), z.literal(false)])
    .meta(about("the annotation for the instance size; `false`: none")),
  command: z.array(z.string()).meta(AS_KUBERNETES),
  args: z.array(z.string()).meta(AS_KUBERNETES),
  env: z
    .record(z.string(), z.string())
    .meta(about("a map, for example `env: { LOG_LEVEL: debug }`, not a list as in Kubernetes")),
  labels: z.record(z.string(), z.string()).meta(AS_KUBERNETES),
  annotations: z.record(z.string(), z.string()).meta(AS_KUBERNETES),
  securityContext: z
    .record(z.string(), z.json())
    .meta(
      about(
        "the container's, as in Kubernetes; replaces the default",
        "no privilege, no root, no capability, as in the tutorial",
      ),
    ),
  resources: z.record(z.string(), z.json()).meta(AS_KUBERNETES),
};

const podOptions = z.strictObject({ ...podShape, ...initdataShape }).partial();
export const podDefaultsSchema = podOptions;

export const podSchema = podOptions.extend({
  name: z.string().meta(about("the pod's name, and `pod_name` in its initdata")),
  initdataFile: z
    .string()
    .min(1)
    .optional()
    .meta(
      about(
        "an initdata file, used byte for byte instead of a generated one; pods that share one are one reader",
      ),
    ),
});

export const podsSchema = z.array(podSchema);

export type PodOptions = z.output<typeof podDefaultsSchema>;
export type PodSettings = z.output<typeof podSchema>;
