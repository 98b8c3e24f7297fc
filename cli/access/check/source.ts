import { readFile } from "node:fs/promises";
import { z } from "zod";
import { trusteeNames } from "../../../core/trustee/generation.ts";
import { KubeClient } from "../../../kube/client.ts";
import { loadCluster, type ClusterOptions } from "../../../kube/cluster.ts";
import { readStack, type StackOutputs } from "../../stack.ts";
import { UsageError } from "../run.ts";
import { readPlannedPolicy } from "./preview.ts";

/** Which text is checked. */
export interface Source {
  readonly live: boolean;
  readonly preview: boolean;
  /** A file with the policy. */
  readonly policy?: string;
}

/** A policy's text and where it is from, in words. */
export interface PolicyText {
  readonly text: string;
  readonly from: string;
  /** The stack whose policy it is to be. */
  readonly stack: StackOutputs;
}

function clusterOptions({ kubeconfig, context }: StackOutputs["trustee"]["cluster"]): ClusterOptions {
  return {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  };
}

async function readLive(stack: StackOutputs): Promise<PolicyText> {
  const { trustee } = stack;
  const kube = new KubeClient(loadCluster(clusterOptions(trustee.cluster)), AbortSignal.timeout(60_000));
  const name = trusteeNames.resourcePolicy;
  const object = await kube.get({ kind: "ConfigMap", namespace: trustee.namespace, name });
  const text = z.record(z.string(), z.string()).nullish().parse(object?.["data"])?.[trustee.policyKey];
  if (text === undefined) {
    throw new UsageError(
      `There is no key "${trustee.policyKey}" in ConfigMap "${name}" in namespace "${trustee.namespace}": no policy is deployed there.`,
    );
  }
  const from = `ConfigMap ${trustee.namespace}/${name}, as it is in the cluster`;
  return { text, from, stack };
}

/**
 * The text to check: as the stack left it, as it is in the cluster now, as the next up would leave it, or in a file.
 * @param name the stack. @default the selected one
 * @throws UsageError, StackError, KubeError
 */
export async function readPolicy(name: string | undefined, source: Source): Promise<PolicyText> {
  if (source.preview) return readPlannedPolicy(name);
  const stack = await readStack(name);
  const { policy } = source;
  if (policy !== undefined) {
    const text = await readFile(policy, "utf8").catch((error: unknown) => {
      throw new UsageError(
        `The file ${policy} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
    return { text, from: policy, stack };
  }
  if (source.live) return readLive(stack);
  const from = `the stack ${stack.grants.stack}, as it was deployed`;
  return { text: stack.resourcePolicy, from, stack };
}
