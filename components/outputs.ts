import * as pulumi from "@pulumi/pulumi";
import { changeRecords, type ChangeRecord } from "../core/access/changes.ts";
import { accessReport, matrixText, type AccessReport } from "../core/access/matrix.ts";
import type { OtherReader } from "../core/access/other-readers.ts";
import { budgetReport, type Budget } from "../core/preflight/budget.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { StackGrants } from "../core/policy/grants.ts";
import { retirePolicy } from "../core/policy/share.ts";
import { clusterOf } from "../core/settings/cluster.ts";
import type { PodDeclaration } from "../core/settings/pod.ts";
import type { Settings } from "../core/settings/settings.ts";
import type { TrusteeAccess } from "./trustee-access.ts";
import type { GetTrusteeResult } from "./trustee/index.ts";

/** A pod or controller, as the commands beside pulumi find it. */
export interface PodOutput {
  /** Absent where somebody else deploys it under a name of theirs. */
  readonly name: string | undefined;
  readonly namespace: string;
  readonly kind: PodDeclaration["kind"];
  readonly container: string;
  /** `false`: somebody else deploys it. */
  readonly deployed: boolean;
  /** How its TEE binds the initdata, and so what its claim is. */
  readonly binding: PodDeclaration["binding"];
  /** Absent where the initdata is a file of the user's: what that says is in its annotation. */
  readonly agentPolicy?: PodDeclaration["agentPolicy"];
}

/** The Trustee that the stack is on. */
export interface TrusteeOutput {
  readonly url: string;
  /** For people: nothing is decided by it. */
  readonly generation: string;
  readonly cluster: Settings["podCluster"];
  readonly namespace: string;
  readonly kbsConfig: string;
  readonly deployment: string;
  /** The key of the policy's ConfigMap that Trustee reads. */
  readonly policyKey: string;
  /** The key of the reference values' ConfigMap that Trustee reads. */
  readonly referenceValuesKey: string;
}

/** What a stack says of itself; pods are called as grants call them. */
export interface StackOutputs {
  /** The access matrix, as lines to read. */
  readonly matrix: readonly string[];
  /** The same for machines. */
  readonly access: AccessReport;
  /** In a preview, which cells are about to open and to close; empty once that is deployed. */
  readonly accessChanges: readonly ChangeRecord[];
  /** Who reads this stack's secrets by the grants of other stacks. */
  readonly otherReaders: readonly OtherReader[];
  /** Pod or reader -> PCR8 (Azure vTPM), host data (SNP) or mr_config_id (TDX), lower-case hex. */
  readonly initData: Readonly<Record<string, string>>;
  /** Pod -> the value of `io.katacontainers.config.hypervisor.cc_init_data`: base64 of gzip of its TOML. */
  readonly annotations: Readonly<Record<string, string>>;
  /** What this stack puts into the policy. */
  readonly grants: StackGrants;
  readonly pods: Readonly<Record<string, PodOutput>>;
  readonly podCluster: Settings["podCluster"];
  readonly trustee: TrusteeOutput;
  /** How full the limits of Kubernetes and of the clouds are. */
  readonly budget: Readonly<Record<string, unknown>>;
  /** The policy as it is in the cluster: Rego. */
  readonly resourcePolicy: pulumi.Output<string>;
  /** Entry of the reference values -> when it expires, RFC 3339. */
  readonly referenceValuesExpire: pulumi.Output<Readonly<Record<string, string>>>;
}

/** A stack's outputs: the matrix first, since that is what people look at. */
export function outputsOf(declared: {
  readonly settings: Settings;
  readonly plan: Plan;
  readonly live: GetTrusteeResult;
  readonly access: TrusteeAccess;
  readonly budget: Budget;
}): StackOutputs {
  const { settings, plan, live, access, budget } = declared;
  const byPod = <T>(value: (pod: Plan["pods"][number]) => T): Record<string, T> =>
    Object.fromEntries(plan.pods.map((pod) => [pod.declaration.id, value(pod)]));
  return {
    matrix: matrixText(plan.matrix, plan.otherReaders),
    access: accessReport(plan.matrix),
    // What is about to change; once it has been deployed there is nothing left, so that two previews say the same.
    accessChanges: pulumi.runtime.isDryRun() ? changeRecords(plan.doubts, plan.accessChanges) : [],
    otherReaders: plan.otherReaders,
    initData: Object.fromEntries(plan.readers.map(({ id, initData }) => [id, initData])),
    annotations: byPod((pod) => pod.annotation),
    grants: plan.grants,
    pods: byPod(({ declaration }) => ({
      name: declaration.name,
      namespace: declaration.namespace,
      kind: declaration.kind,
      container: declaration.containerName,
      deployed: declaration.deploy,
      binding: declaration.binding,
      // What a file of the user's says is in its annotation.
      ...(declaration.initdataFile === undefined ? { agentPolicy: declaration.agentPolicy } : {}),
    })),
    podCluster: clusterOf(settings.podCluster),
    trustee: {
      url: live.url,
      generation: live.generation,
      cluster: clusterOf(settings.trustee),
      namespace: settings.trustee.namespace,
      kbsConfig: live.kbsConfig,
      deployment: settings.trustee.deployment,
      policyKey: live.policyKey,
      referenceValuesKey: live.referenceValuesKey,
    },
    budget: budgetReport(budget),
    // As it is in the end: a change of initdata that is under way is over by then.
    resourcePolicy: access.policy.text.apply((text) => retirePolicy(text, plan.grants)),
    referenceValuesExpire: access.referenceValues.expiries,
  };
}
