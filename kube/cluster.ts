import { accessSync, constants, existsSync } from "node:fs";
import process from "node:process";
import type { Context } from "@kubernetes/client-node";
import type { KubeConfig } from "./client-library.ts";
import { ClusterConfig } from "./cluster-config.ts";
import { isRecord, messageOf } from "../core/records.ts";
import type { NamedCluster } from "../core/settings/cluster.ts";
import { UserError } from "../core/issues.ts";
import { impersonationHeaders } from "./impersonation.ts";
import { readKubeconfig, type Kubeconfig } from "./kubeconfig.ts";
import { findProxy } from "./proxy.ts";

/** The file with the token of a pod's service account. */
const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/** The user of a context without one. Without a user, the library would also ignore the context's cluster. */
const NO_USER = "";

/**
 * Loads a kubeconfig and selects its context.
 * @throws UserError if the file, the context, its cluster or its user is missing, or a file that these name;
 *   without the file's content
 */
export function loadCluster(options: NamedCluster): KubeConfig {
  const kubeconfig = readKubeconfig(options.kubeconfig);
  const config = new ClusterConfig();
  if (kubeconfig !== undefined) take(config, kubeconfig);
  else if (existsSync(ACCOUNT)) config.loadFromCluster();
  else {
    throw new UserError(
      "TA831",
      "There is no kubeconfig: neither $KUBECONFIG nor ~/.kube/config names a cluster. " +
        "Set one of them, or name a kubeconfig in the settings or by --kubeconfig.",
    );
  }
  const context = select(config, options.context);
  config.impersonation = impersonationHeaders(context.user, kubeconfig?.rawUsers.get(context.user) ?? {});
  config.clusters = config.clusters.map((cluster) => {
    if (cluster.name !== context.cluster || (cluster.proxyUrl ?? "") !== "") return cluster;
    const proxy = findProxy(cluster.server, process.env);
    if (proxy === undefined) return cluster;
    config.proxyVariable = `$${proxy.variable}`;
    return { ...cluster, proxyUrl: proxy.url };
  });
  return config;
}

function take(config: ClusterConfig, kubeconfig: Kubeconfig): void {
  const { clusters, users, contexts, currentContext } = kubeconfig;
  config.loadFromOptions({
    clusters,
    users: [...users, { name: NO_USER }],
    contexts: contexts.map((context) => ({ ...context, user: context.user || NO_USER })),
    currentContext,
  });
}

/** Without this check, the library fails at the first request, and it looks like a refused sign-in. */
function needFiles(of: string, files: readonly unknown[]): void {
  for (const file of files) {
    if (typeof file !== "string" || file === "") continue;
    try {
      accessSync(file, constants.R_OK);
    } catch (error) {
      throw new UserError(
        "TA831",
        `The kubeconfig's ${of} names a file that cannot be read: ${messageOf(error)}. ` +
          "Correct its path, or restore the file. Check it with: kubectl config view",
      );
    }
  }
}

/** Makes the context the current one, and checks that its cluster and user exist, and the files they name. */
function select(config: KubeConfig, wanted: string | undefined): Context {
  const has = `It has: ${config.contexts.map(({ name }) => name).join(", ") || "none"}.`;
  const name = wanted ?? config.currentContext;
  if (name === "") {
    throw new UserError(
      "TA832",
      `The kubeconfig has no current context. Set one: kubectl config use-context NAME. ${has}`,
    );
  }
  const context = config.getContextObject(name);
  if (context === null) throw new UserError("TA832", `The kubeconfig has no context "${name}". ${has}`);
  config.setCurrentContext(name);
  for (const [kind, of, found] of [
    ["cluster", context.cluster, config.getCurrentCluster()],
    ["user", context.user, config.getCurrentUser()],
  ] as const) {
    if (found !== null) continue;
    throw new UserError(
      "TA832",
      `The kubeconfig's context "${name}" names the ${kind} "${of}", which it does not have. ` +
        `Correct it: kubectl config set-context ${name} --${kind}=NAME`,
    );
  }
  const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()];
  const provider: unknown = user?.authProvider;
  const token = isRecord(provider) ? provider["config"] : undefined;
  needFiles(`cluster "${context.cluster}"`, [cluster?.caFile]);
  needFiles(`user "${context.user}"`, [
    user?.certFile,
    user?.keyFile,
    isRecord(token) ? token["tokenFile"] : undefined,
  ]);
  return context;
}
