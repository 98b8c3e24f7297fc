import type { Sandbox } from "../../../sandbox/api.ts";

/** Trustee's namespace. */
export const NAMESPACE = "trustee-operator-system";

/** Runs kubectl, and fails the test with what it printed if it fails. */
export async function kubectl(sandbox: Sandbox, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await sandbox.kubectl(args);
  if (exitCode !== 0) throw new Error(`kubectl ${args.join(" ")} failed (${exitCode}): ${stderr}`);
  return stdout;
}

async function json(
  sandbox: Sandbox,
  ...args: readonly string[]
): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await kubectl(sandbox, ...args, "-o", "json")) as Readonly<Record<string, unknown>>;
}

interface Named {
  readonly metadata: { readonly name: string; readonly uid: string };
}

/** What others own on Trustee's side, for a comparison before and after: all data, byte for byte. */
export async function sharedData(sandbox: Sandbox): Promise<unknown> {
  const [configMaps, secrets, kbsConfig] = await Promise.all([
    json(sandbox, "get", "configmaps", "-n", NAMESPACE),
    json(sandbox, "get", "secrets", "-n", NAMESPACE),
    json(sandbox, "get", "kbsconfig", "trusteeconfig-kbs-config", "-n", NAMESPACE),
  ]);
  const dataByName = (list: Readonly<Record<string, unknown>>): unknown =>
    Object.fromEntries(
      (list["items"] as readonly (Named & { readonly data?: unknown; readonly type?: unknown })[]).map(
        (item) => [item.metadata.name, { data: item.data, type: item.type }],
      ),
    );
  return { configMaps: dataByName(configMaps), secrets: dataByName(secrets), kbsConfig: kbsConfig["spec"] };
}

export async function configMapKey(sandbox: Sandbox, name: string, key: string): Promise<string> {
  const { data } = await json(sandbox, "get", "configmap", name, "-n", NAMESPACE);
  return (data as Readonly<Record<string, string>>)[key] ?? "";
}

/** Pod -> uid: another uid is another pod. */
export async function podUids(
  sandbox: Sandbox,
  namespace = "default",
): Promise<Readonly<Record<string, string>>> {
  const { items } = await json(sandbox, "get", "pods", "-n", namespace);
  return Object.fromEntries((items as readonly Named[]).map(({ metadata }) => [metadata.name, metadata.uid]));
}

/** A pod's annotation with its initdata, as it runs. */
export async function initdataAnnotation(sandbox: Sandbox, pod: string): Promise<string> {
  const { metadata } = await json(sandbox, "get", "pod", pod, "-n", "default");
  const { annotations } = metadata as { readonly annotations: Readonly<Record<string, string>> };
  return annotations["io.katacontainers.config.hypervisor.cc_init_data"] ?? "";
}

/** What the tutorial's command prints in a pod. */
export async function curl(sandbox: Sandbox, pod: string, path: string): Promise<string> {
  const url = `http://127.0.0.1:8006/cdh/resource/default/${path}`;
  return kubectl(sandbox, "exec", `pods/${pod}`, "-n", "default", "--", "curl", "-s", url);
}
