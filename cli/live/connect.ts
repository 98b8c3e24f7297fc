import { Option, type Command } from "commander";
import { defined } from "../../core/records.ts";
import { clusterOf } from "../../core/settings/cluster.ts";
import { trusteeNames } from "../../core/trustee/generation.ts";
import { KubeClient } from "../../kube/client.ts";
import { loadCluster } from "../../kube/cluster.ts";
import { readStack } from "./stack.ts";
import type { StackOutputs } from "../../core/plan/outputs.ts";
import type { TrusteePlace } from "./read-trustee.ts";

/** Trustee and the pods, as named on the command line. */
export interface SideOptions {
  readonly stack?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly kbsConfig?: string;
  readonly deployment?: string;
  readonly podsKubeconfig?: string;
  readonly podsContext?: string;
}

/** Time limit for all requests. Milliseconds. */
const TIMEOUT = 300_000;

/** Clients for both sides. */
export interface Sides {
  readonly trustee: KubeClient;
  readonly place: TrusteePlace;
  readonly pods: KubeClient;
  /** Only with a stack. */
  readonly stack?: StackOutputs;
}

/** The options that name Trustee and the pods. */
export function addSideOptions(command: Command): Command {
  return command
    .option(
      "-s, --stack <name>",
      "take both clusters from the outputs of this stack (default: no stack; kubectl's cluster)",
    )
    .option("--kubeconfig <file>", "Trustee's cluster (default: kubectl's)")
    .option("--context <name>", "the context in that kubeconfig")
    .option("-n, --namespace <name>", `Trustee's namespace (default: ${trusteeNames.namespace})`)
    .option("--kbs-config <name>", `the KbsConfig (default: ${trusteeNames.kbsConfig}, or the only one)`)
    .option("--deployment <name>", `the Deployment (default: ${trusteeNames.deployment})`)
    .addOption(new Option("--pods-kubeconfig <file>", "the pods' cluster (default: as --kubeconfig)"))
    .addOption(new Option("--pods-context <name>", "the context in that kubeconfig (default: as --context)"));
}

/** Connects only to a stack's Trustee, since the pods' cluster may be unreachable from here. */
export function connectTrustee(stack: StackOutputs): Pick<Sides, "trustee" | "place"> {
  const signal = AbortSignal.timeout(TIMEOUT);
  return {
    trustee: new KubeClient(loadCluster(clusterOf(stack.trustee.cluster)), signal),
    place: placeOf({}, stack),
  };
}

/** Connects to both sides of the named stack. */
export async function connectSides(options: SideOptions): Promise<Sides> {
  return connect(options, options.stack === undefined ? undefined : await readStack(options.stack));
}

function placeOf(options: SideOptions, stack: StackOutputs | undefined): TrusteePlace {
  const of = stack?.trustee;
  return {
    namespace: options.namespace ?? of?.namespace ?? trusteeNames.namespace,
    kbsConfig: options.kbsConfig ?? of?.kbsConfig ?? trusteeNames.kbsConfig,
    deployment: options.deployment ?? of?.deployment ?? trusteeNames.deployment,
  };
}

/** Connects to both sides: by the command line, else by the stack, else by kubectl's defaults. */
export function connect(options: SideOptions, stack: StackOutputs | undefined): Sides {
  const of = stack?.trustee;
  const trusteeCluster = clusterOf({
    kubeconfig: options.kubeconfig ?? of?.cluster.kubeconfig,
    context: options.context ?? of?.cluster.context,
  });
  const declaredPods = stack === undefined ? trusteeCluster : stack.podCluster;
  const podCluster = clusterOf({
    kubeconfig: options.podsKubeconfig ?? declaredPods.kubeconfig,
    // Another kubeconfig has its own current context.
    context: options.podsContext ?? (options.podsKubeconfig === undefined ? declaredPods.context : undefined),
  });
  const signal = AbortSignal.timeout(TIMEOUT);
  return {
    trustee: new KubeClient(loadCluster(trusteeCluster), signal),
    pods: new KubeClient(loadCluster(podCluster), signal),
    place: placeOf(options, stack),
    ...defined({ stack }),
  };
}
