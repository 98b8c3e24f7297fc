import { z } from "zod";
import { doubts, type ChangeRecord } from "../access/changes.ts";
import { allowedReasons, deniedReasons } from "../access/model.ts";
import { bindings } from "../initdata/binding.ts";
import { ANY_TEE, otherSecretsModes, tableBindings } from "../policy/grants.ts";
import { grantTable } from "../policy/registry.ts";
import { workloadKinds } from "../settings/workload.ts";

const texts = z.record(z.string(), z.string());
const reason = z.enum([...allowedReasons, ...deniedReasons]);
const cluster = z.object({ kubeconfig: z.string().optional(), context: z.string().optional() });

const changeRecord: z.ZodType<ChangeRecord> = z.discriminatedUnion("effect", [
  z.object({
    effect: z.enum(["OPENS", "closes"]),
    pod: z.string(),
    /** `secret/key`. */
    secret: z.string(),
    before: z.enum([...reason.options, "unknown"]),
    after: reason,
  }),
  z.object({ effect: z.literal("UNKNOWN"), doubt: z.enum(doubts) }),
]);

const otherReader = z.object({
  /** The stack whose line in the policy grants it. */
  stack: z.string(),
  /** The name that the stack gives it. */
  reader: z.string(),
  secret: z.string(),
  /** One key, or `*` for every key. */
  key: z.string(),
  initData: z.string(),
  /** An older release did not put it out. */
  binding: z.enum(tableBindings).default(ANY_TEE),
  /** Whether this is the previous digest of a reader in a rotation. */
  former: z.boolean(),
});

const pod = z.object({
  /** Absent for a pod that others deploy under another name. */
  name: z.string().optional(),
  namespace: z.string(),
  kind: z.enum(workloadKinds).default("Pod"),
  container: z.string(),
  /** `false`: others deploy it. */
  deployed: z.boolean().default(true),
  /** How its TEE binds the initdata. An older release did not put it out. */
  binding: z.enum(bindings).optional(),
  /** As declared. Absent for a pod whose initdata is a file: read its annotation. */
  agentPolicy: z
    .object({
      logs: z.boolean(),
      allowedCommands: z.array(z.string()).readonly(),
      requests: z.record(z.string(), z.boolean()),
    })
    .optional(),
});

const trustee = z.object({
  url: z.string(),
  /** A name for people. No decision uses it. */
  generation: z.string(),
  cluster,
  namespace: z.string(),
  kbsConfig: z.string(),
  deployment: z.string(),
  /** The key of the policy's ConfigMap that Trustee reads. */
  policyKey: z.string(),
  /** The key of the reference values' ConfigMap that Trustee reads. */
  referenceValuesKey: z.string(),
});

/**
 * A stack's outputs: the program puts them out, the commands read them, and docs/outputs.md lists them. Pods and readers have the names
 * that grants give them. Defaults are for the outputs of an older release.
 */
export const stackOutputs = z.object({
  matrix: z.array(z.string()).readonly().default([]).describe("the access matrix, as lines to read"),
  access: z
    .record(z.string(), z.record(z.string(), reason))
    .describe(
      `the same for machines: pod → \`secret/key\` → ${reason.options.map((one) => `\`${one}\``).join(", ")}`,
    ),
  accessChanges: z
    .array(changeRecord)
    .readonly()
    .default([])
    .describe("in a preview, the cells that open and close; empty once they are deployed"),
  otherReaders: z
    .array(otherReader)
    .readonly()
    .default([])
    .describe("who reads this stack's secrets by the grants of other stacks on the same Trustee"),
  grants: z
    .object({ stack: z.string(), others: z.enum(otherSecretsModes), secrets: grantTable })
    .describe("what this stack puts into the policy"),
  initData: texts.describe("pod → PCR8 (Azure vTPM), host data (SNP) or mr_config_id (TDX), lower-case hex"),
  annotations: texts.describe(
    "pod → the value of `io.katacontainers.config.hypervisor.cc_init_data`: base64 of gzip of its TOML",
  ),
  pods: z
    .record(z.string(), pod)
    .describe("pod → its name, namespace, kind, container, who deploys it, its `binding` and agent policy"),
  podCluster: cluster.describe("the kubeconfig and context of the pods' cluster"),
  trustee: trustee.describe("the URL of the KBS, and what was read of Trustee"),
  budget: z
    .record(z.string(), z.unknown())
    .default({})
    .describe(
      "how full the [limits](limits.md) of Kubernetes and of the cloud are, and how many pods like these fit",
    ),
  resourcePolicy: z.string().describe("the policy in the cluster: Rego"),
  referenceValuesExpire: texts.describe(
    "entry of the reference values → its expiration; Trustee does not enforce it",
  ),
});

/** A stack's outputs, read back. */
export type StackOutputs = z.output<typeof stackOutputs>;
