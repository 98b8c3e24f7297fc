import { existsSync, readFileSync } from "node:fs";
import { KubeConfig } from "./client-library.ts";

/** Which cluster, as kubectl would be told. */
export interface ClusterOptions {
  /** A kubeconfig: the path of a file, or its content. @default $KUBECONFIG, ~/.kube/config or the pod's account */
  readonly kubeconfig?: string;
  /** @default the kubeconfig's current context */
  readonly context?: string;
}

/** The kubeconfig cannot be used; the message says what was looked for and what there is. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

function load(config: KubeConfig, kubeconfig: string | undefined): void {
  if (kubeconfig === undefined) {
    config.loadFromDefault();
  } else if (kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{")) {
    config.loadFromString(kubeconfig);
  } else if (existsSync(kubeconfig)) {
    config.loadFromString(readFileSync(kubeconfig, "utf8"));
  } else {
    throw new KubeconfigError(
      `There is no kubeconfig at "${kubeconfig}". Correct the setting, or unset it to use what kubectl uses.`,
    );
  }
}

/**
 * Loads a kubeconfig and selects its context.
 * @throws KubeconfigError if the file, the context or its cluster is missing; never with the file's content
 */
export function loadCluster(options: ClusterOptions): KubeConfig {
  const config = new KubeConfig();
  try {
    load(config, options.kubeconfig);
  } catch (error) {
    if (error instanceof KubeconfigError) throw error;
    throw new KubeconfigError(
      "The kubeconfig is not valid YAML of kind Config. Check it with: kubectl config view",
      { cause: error },
    );
  }
  const names = config.getContexts().map((context) => context.name);
  if (options.context !== undefined) {
    if (!names.includes(options.context)) {
      throw new KubeconfigError(
        `The kubeconfig has no context "${options.context}". It has: ${names.join(", ") || "none"}.`,
      );
    }
    config.setCurrentContext(options.context);
  }
  if (config.getCurrentCluster() === null) {
    throw new KubeconfigError(
      "The kubeconfig's current context names no cluster. Set one: kubectl config use-context NAME",
    );
  }
  return config;
}
