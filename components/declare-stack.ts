import * as pulumi from "@pulumi/pulumi";
import { changeLine } from "../core/access/changes.ts";
import { accessReport, matrixText } from "../core/access/matrix.ts";
import { IssuesError } from "../core/issues.ts";
import { makePlan, type Plan } from "../core/plan/plan.ts";
import { parseSettings, type Settings } from "../core/settings/settings.ts";
import { trusteeNames } from "../core/trustee/generation.ts";
import { connectClusters, type Clusters } from "./clusters.ts";
import { readConfiguration } from "./configuration.ts";
import { readInitdataFiles, stackName } from "./initdata-files.ts";
import { TrusteeAccess } from "./trustee-access.ts";
import * as trustee from "./trustee/index.ts";

/** Reads the live Trustee, and refuses one that this stack could not be put on. */
function readTrustee(settings: Settings, clusters: Clusters): Promise<trustee.GetTrusteeResult> {
  const { namespace, kbsConfig, deployment, certificateSecret, url, generation } = settings.trustee;
  const named = (from: "existing" | "setting"): string[] =>
    settings.secrets.filter((secret) => secret.from === from).map((secret) => secret.name);
  return trustee.getTrustee(
    {
      namespace,
      kbsConfig,
      deployment,
      certificateSecret,
      resourcePolicy: trusteeNames.resourcePolicy,
      referenceValues: trusteeNames.referenceValues,
      url,
      generation,
      existingSecrets: named("existing"),
      createdSecrets: named("setting"),
      stack: stackName(),
    },
    { provider: clusters.trustee },
  );
}

/** Which cluster, as the commands beside pulumi are told. */
function clusterOf({ kubeconfig, context }: Settings["podCluster"]): Settings["podCluster"] {
  return {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  };
}

/** What a stack says of itself: the matrix first, since that is what people look at. */
function outputsOf(
  settings: Settings,
  plan: Plan,
  live: trustee.GetTrusteeResult,
  access: TrusteeAccess,
): Record<string, unknown> {
  const byPod = <T>(value: (pod: Plan["pods"][number]) => T): Record<string, T> =>
    Object.fromEntries(plan.pods.map((pod) => [pod.declaration.name, value(pod)]));
  return {
    matrix: matrixText(plan.matrix),
    access: accessReport(plan.matrix),
    // What is about to change; once it has been deployed there is nothing left, so that two previews say the same.
    accessChanges: pulumi.runtime.isDryRun() ? plan.accessChanges.map(changeLine) : [],
    initData: byPod((pod) => pod.initData),
    annotations: byPod((pod) => pod.annotation),
    grants: plan.grants,
    pods: byPod(({ declaration }) => ({
      namespace: declaration.namespace,
      container: declaration.containerName,
      // What a file of the user's says is in its annotation.
      ...(declaration.initdataFile === undefined ? { agentPolicy: declaration.agentPolicy } : {}),
    })),
    podCluster: settings.podCluster,
    trustee: {
      url: live.url,
      generation: live.generation,
      cluster: clusterOf(settings.trustee),
      namespace: settings.trustee.namespace,
      kbsConfig: settings.trustee.kbsConfig,
      deployment: settings.trustee.deployment,
      policyKey: live.policyKey,
      referenceValuesKey: live.referenceValuesKey,
    },
    resourcePolicy: access.policy.liveContent,
    referenceValuesExpire: access.referenceValues.expiries,
  };
}

/** Calls out every cell that is about to open; those that close are for information. */
async function sayChanges(plan: Plan): Promise<void> {
  for (const change of plan.accessChanges) {
    await (change.effect === "opens" ? pulumi.log.warn : pulumi.log.info)(changeLine(change));
  }
}

/** Declares everything, or, with a message that names every problem, nothing. */
async function declare(): Promise<Record<string, unknown>> {
  const subject = `the settings of stack ${pulumi.getStack()}`;
  const configuration = readConfiguration();
  const settings = parseSettings(configuration.settings, configuration.valueNames, subject);
  const files = await readInitdataFiles(settings.pods, subject);
  const clusters = connectClusters(settings);
  const live = await readTrustee(settings, clusters);
  const plan = makePlan(settings, live, files, stackName(), subject);
  await sayChanges(plan);
  const access = new TrusteeAccess("access", {
    settings,
    plan,
    secretData: configuration.secretData,
    generation: live.generation,
    ...clusters,
  });
  return outputsOf(settings, plan, live, access);
}

/** The program: a problem of the user's is shown as it is, without a stack trace. */
export async function declareStack(): Promise<Record<string, unknown>> {
  try {
    return await declare();
  } catch (error) {
    if (error instanceof IssuesError) throw new pulumi.RunError(error.message);
    throw error;
  }
}
