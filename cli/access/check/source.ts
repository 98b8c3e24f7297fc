import { readFile } from "node:fs/promises";
import { z } from "zod";
import { trusteeNames } from "../../../core/trustee/generation.ts";
import { KubeClient } from "../../../kube/client.ts";
import { loadCluster, type ClusterOptions } from "../../../kube/cluster.ts";
import type { StackOutputs } from "../../stack.ts";
import { UsageError } from "../run.ts";

/** Which text is checked. */
export interface Source {
  readonly live: boolean;
  /** A file with the policy. */
  readonly policy?: string;
}

/** A policy's text and where it is from, in words. */
export interface PolicyText {
  readonly text: string;
  readonly from: string;
}

function clusterOptions({ kubeconfig, context }: StackOutputs["trustee"]["cluster"]): ClusterOptions {
  return {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  };
}

async function readLive({ trustee }: StackOutputs): Promise<PolicyText> {
  const kube = new KubeClient(loadCluster(clusterOptions(trustee.cluster)), AbortSignal.timeout(60_000));
  const name = trusteeNames.resourcePolicy;
  const object = await kube.get({ kind: "ConfigMap", namespace: trustee.namespace, name });
  const text = z.record(z.string(), z.string()).nullish().parse(object?.["data"])?.[trustee.policyKey];
  if (text === undefined) {
    throw new UsageError(
      `There is no key "${trustee.policyKey}" in ConfigMap "${name}" in namespace "${trustee.namespace}": no policy is deployed there.`,
    );
  }
  return { text, from: `ConfigMap ${trustee.namespace}/${name}, as it is in the cluster` };
}

/** The text to check: as the stack left it, or as it is in the cluster now, or in a file. @throws UsageError, KubeError */
export async function readPolicy(stack: StackOutputs, source: Source): Promise<PolicyText> {
  const { policy } = source;
  if (policy !== undefined) {
    const text = await readFile(policy, "utf8").catch((error: unknown) => {
      throw new UsageError(
        `The file ${policy} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
    return { text, from: policy };
  }
  if (source.live) return readLive(stack);
  return { text: stack.resourcePolicy, from: `the stack ${stack.grants.stack}, as it was deployed` };
}
