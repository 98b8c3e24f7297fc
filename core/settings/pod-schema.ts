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
  algorithm: about(
    z.enum(digestAlgorithms),
    "of the initdata's digest; a vTPM binds `sha256` only",
    "`sha256`",
  ),
  binding: about(z.enum(bindings), "how the TEE binds the initdata, see below", "`azure-vtpm`"),
  logs: about(z.boolean(), "whether `kubectl logs` may read the pod's output", "`true`"),
  execCurl: about(
    z.array(secretPath),
    "secrets, as `secret/key`, that exec may read by curl",
    "none: exec is refused",
  ),
  execCommands: about(z.array(z.string().min(1)), "further commands that exec may run, each as one line"),
  imagePolicy: about(
    z.union([secretPath, z.literal(false)]),
    "`secret/key` of the image security policy; `false`: none",
    "`trustee-image-policy/policy`",
  ),
  agentRequests: about(
    z.partialRecord(z.enum(agentRequests), z.boolean()),
    "requests of the agent API to allow or refuse, if not as in the tutorial",
  ),
  claims: about(
    z.record(
      z.string().regex(/^[A-Za-z0-9_-]+$/, "a claim's name of letters, digits, '_' and '-'"),
      z.string(),
    ),
    "further top-level strings of the initdata, each one line without control characters",
  ),
};

/** The settings that determine a pod's spec. */
const podShape = {
  namespace: about(
    z.string(),
    "other than `default`: also `pod_namespace` in the initdata, and the pod is called `namespace/name`",
    "`default`",
  ),
  kind: about(z.enum(workloadKinds), "the object to create. All pods of a template are one reader", "`Pod`"),
  replicas: about(z.number().int().min(0).max(10_000), "of a Deployment or StatefulSet", "Kubernetes' own"),
  deploy: about(
    z.boolean(),
    "`false`: granted here, deployed elsewhere with the annotation from the output `annotations`",
    "`true`",
  ),
  adopt: about(z.boolean(), "takes over an existing Pod of that name: [step by step](adopt.md)", "`false`"),
  image: about(z.string().min(1), "the container's image", "required, here or in `podDefaults`"),
  containerName: about(z.string(), "the container's name", "the pod's name"),
  runtimeClassName: about(
    z.string().min(1),
    "for example `kata-qemu-coco-dev` on a development cluster without a TEE",
    "`kata-remote`",
  ),
  machineType: about(
    z.union([z.string().min(1), z.literal(false)]),
    "the annotation for the instance size; `false`: none",
  ),
  command: about(z.array(z.string()), "as in Kubernetes"),
  args: about(z.array(z.string()), "as in Kubernetes"),
  env: about(
    z.record(z.string(), z.string()),
    "a map, for example `env: { LOG_LEVEL: debug }`, not a list as in Kubernetes",
  ),
  labels: about(z.record(z.string(), z.string()), "as in Kubernetes"),
  annotations: about(z.record(z.string(), z.string()), "as in Kubernetes"),
  securityContext: about(
    z.record(z.string(), z.json()),
    "the container's, as in Kubernetes; replaces the default",
    "no privilege, no root, no capability, as in the tutorial",
  ),
  resources: about(z.record(z.string(), z.json()), "as in Kubernetes"),
};

export const podDefaultsSchema = z.strictObject({ ...podShape, ...initdataShape }).partial();

export const podSchema = podDefaultsSchema.extend({
  name: about(z.string(), "the pod's name, and `pod_name` in its initdata"),
  initdataFile: about(
    z.string().min(1).optional(),
    "an initdata file, used byte for byte instead of a generated one; pods that share one are one reader",
  ),
});

export type PodOptions = z.output<typeof podDefaultsSchema>;
export type PodSettings = z.output<typeof podSchema>;
