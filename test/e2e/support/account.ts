import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Sandbox } from "../../../sandbox/api.ts";
import { tokenOf } from "./objects.ts";
import type { Project } from "./project.ts";

interface Kubeconfig {
  readonly clusters: readonly { readonly name: string; readonly cluster: unknown }[];
}

/** A kubeconfig with a ServiceAccount's token in place of the administrator's certificate. */
export async function kubeconfigOf(
  sandbox: Sandbox,
  project: Project,
  namespace: string,
  account: string,
): Promise<string> {
  const token = await tokenOf(sandbox, account, namespace);
  const { clusters } = parse(readFileSync(sandbox.kubeconfig, "utf8")) as Kubeconfig;
  const context = { cluster: clusters[0]?.name, user: account, namespace };
  const file = join(project.folder, `${account}.yaml`);
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters,
      users: [{ name: account, user: { token } }],
      contexts: [{ name: account, context }],
      "current-context": account,
    }),
  );
  return file;
}
