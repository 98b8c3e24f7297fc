import * as pulumi from "@pulumi/pulumi";
import { changeRecords } from "../core/access/changes.ts";
import { accessReport, matrixText } from "../core/access/matrix.ts";
import { budgetReport, type Budget } from "../core/preflight/budget.ts";
import type { StackOutputs as Outputs } from "../core/plan/outputs.ts";
import type { Plan } from "../core/plan/plan.ts";
import { retirePolicy } from "../core/policy/share.ts";
import { clusterOf } from "../core/settings/cluster.ts";
import type { Settings } from "../core/settings/schema.ts";
import type { TrusteeAccess } from "./trustee-access.ts";
import type { GetTrusteeResult } from "./trustee/index.ts";

/** A stack's outputs: see {@link stackOutputs}. Two of them are known once their resources are. */
export interface StackOutputs extends Omit<Outputs, Known> {
  readonly resourcePolicy: pulumi.Output<Outputs["resourcePolicy"]>;
  readonly referenceValuesExpire: pulumi.Output<Outputs["referenceValuesExpire"]>;
}
type Known = "resourcePolicy" | "referenceValuesExpire";
export type PodOutput = Outputs["pods"][string];
export type TrusteeOutput = Outputs["trustee"];

/** A stack's outputs, the matrix first. */
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
    // Empty after the deployment, so that two previews print the same.
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
      // The content of a user's file is in its annotation.
      ...(declaration.initdataFile === undefined
        ? { agentPolicy: { requests: {}, ...declaration.agentPolicy } }
        : {}),
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
    // The state at the end of a rotation.
    resourcePolicy: access.policy.text.apply((text) => retirePolicy(text, plan.grants)),
    referenceValuesExpire: access.referenceValues.expiries,
  };
}
