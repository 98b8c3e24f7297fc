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
    effect: z
      .enum(["OPENS", "closes"])
      .describe("`OPENS` or `closes`; `UNKNOWN` if the live policy cannot be compared"),
    pod: z.string().describe("the pod or reader, or `every other pod`"),
    secret: z.string().describe("`secret/key`, `secret/*` for every key, or `every other secret`"),
    before: z
      .enum([...reason.options, "unknown"])
      .describe("why it was allowed or denied: a reason of `access`, or `unknown`"),
    after: reason.describe("why it will be allowed or denied"),
  }),
  z.object({
    effect: z.literal("UNKNOWN"),
    doubt: z.enum(doubts).describe("only with `UNKNOWN`: `edited` by hand, or a `foreign` policy"),
  }),
]);

const otherReader = z.object({
  stack: z.string().describe("the stack that grants it"),
  reader: z.string().describe("the name that the granting stack gives it"),
  secret: z.string().describe("the secret"),
  key: z.string().describe("one key, or `*` for every key"),
  initData: z.string().describe("its claim, as in `initData`"),
  binding: z
    .enum(tableBindings)
    .default(ANY_TEE)
    .describe("how its TEE binds the initdata; `any`: an older release wrote the grant"),
  former: z.boolean().describe("whether this is its previous digest in a rotation"),
});

const pod = z.object({
  // An older release did not put out name, kind, deployed and binding.
  name: z.string().optional().describe("the object's name"),
  namespace: z.string().describe("its namespace"),
  kind: z
    .enum(workloadKinds)
    .default("Pod")
    .describe(workloadKinds.map((one) => `\`${one}\``).join(", ")),
  container: z.string().describe("the container's name"),
  deployed: z.boolean().default(true).describe("`false`: others deploy it"),
  binding: z.enum(bindings).optional().describe("how its TEE binds the initdata"),
  agentPolicy: z
    .object({
      logs: z.boolean(),
      allowedCommands: z.array(z.string()).readonly(),
      requests: z.record(z.string(), z.boolean()),
    })
    .optional()
    .describe(
      "`logs`, `allowedCommands` and `requests`; absent for an `initdataFile`: the annotation holds its policy",
    ),
});

const trustee = z.object({
  url: z.string().describe("the KBS's URL for guests"),
  generation: z.string().describe("for display only"),
  cluster: cluster.describe("its `kubeconfig` and `context`, as set; each absent if kubectl's own"),
  namespace: z.string().describe("the namespace of Trustee and its operator"),
  kbsConfig: z.string().describe("the KbsConfig"),
  deployment: z.string().describe("the KBS's Deployment"),
  policyKey: z.string().describe("the key of the policy's ConfigMap that Trustee reads"),
  referenceValuesKey: z.string().describe("the same for the reference values"),
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
    .object({
      stack: z.string().describe("`organization/project/stack`"),
      others: z.enum(otherSecretsModes).describe("the setting `otherSecrets`"),
      secrets: grantTable.describe("secret → key or `*` → binding → `init_data` → reader"),
    })
    .describe("what this stack puts into the policy"),
  initData: texts.describe(
    "pod or reader → PCR8 (Azure vTPM), host data (SNP) or mr_config_id (TDX) in lower-case hex; for `sample`, base64 of the digest",
  ),
  annotations: texts.describe(
    "pod → the value of `io.katacontainers.config.hypervisor.cc_init_data`: base64 of gzip of its TOML",
  ),
  pods: z.record(z.string(), pod).describe("pod → its object, and what its initdata declares"),
  podCluster: cluster.describe("the kubeconfig and context of the pods' cluster"),
  trustee: trustee.describe("the URL of the KBS, and what was read of Trustee"),
  budget: z
    .record(z.string(), z.unknown())
    .default({})
    .describe(
      "how full the [limits](limits.md) of Kubernetes and of the cloud are, and how many pods like these fit: `annotations` and `userData` of the fullest pod, `resourcePolicy`, `referenceValues`, `referenceValuesLedger`; in each, `used`, `limit`, `percent` and `podsThatFit` as far as they apply",
    ),
  resourcePolicy: z.string().describe("the policy in the cluster: Rego"),
  referenceValuesExpire: texts.describe(
    "entry of the reference values → its expiration; Trustee does not enforce it",
  ),
});

/** A stack's outputs, read back. */
export type StackOutputs = z.output<typeof stackOutputs>;
