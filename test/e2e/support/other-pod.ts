import { gunzipSync, gzipSync } from "node:zlib";
import { parse, stringify } from "smol-toml";
import type { Sandbox } from "../../../sandbox/api.ts";
import { pcr8 } from "../../sandbox/live/support.ts";
import { configMapKey, editReferenceValues, kubectl, kubectlFrom, patchKey, restartKbs } from "./cluster.ts";

const INITDATA = "io.katacontainers.config.hypervisor.cc_init_data";
const VALUES = ["trusteeconfig-rvps-reference-values", "reference-values.json"] as const;

interface LivePod {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** A pod's initdata with another name and one more allowed command. */
function otherInitdata(toml: string, name: string, command: string): string {
  const document = parse(toml);
  const data = document["data"] as Record<string, string>;
  const policy = data["policy.rego"]?.replace(/("allowed_commands": \[)/, `$1 ${JSON.stringify(command)},`);
  return stringify({ ...document, pod_name: name, data: { ...data, "policy.rego": policy ?? "" } });
}

/**
 * Starts a copy of a stack's pod with another name. Its initdata allows one more command. Its digest is registered
 * as a reference value, so it attests. For Trustee 0.18.
 * @param path of an unrestricted secret that the copy may request
 * @returns deletes the pod, and restores the reference values
 */
export async function startOtherPod(
  sandbox: Sandbox,
  pod: string,
  name: string,
  path: string,
): Promise<() => Promise<void>> {
  const live = JSON.parse(
    await kubectl(sandbox, "get", "pod", pod, "-n", "default", "-o", "json"),
  ) as LivePod;
  const { annotations } = live.metadata;
  const toml = gunzipSync(Buffer.from(annotations[INITDATA] ?? "", "base64")).toString("utf8");
  const other = otherInitdata(toml, name, `curl -s http://127.0.0.1:8006/cdh/resource/default/${path}`);
  const values = await configMapKey(sandbox, ...VALUES);
  await editReferenceValues(sandbox, "0.18", "snp_pcr08", (entry) => ({
    ...entry,
    value: [...entry.value, pcr8(other)],
  }));
  await restartKbs(sandbox);
  const { nodeName: _, ...spec } = live.spec;
  const manifest = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "default",
      annotations: { ...annotations, [INITDATA]: gzipSync(other).toString("base64") },
    },
    spec,
  };
  await kubectlFrom(sandbox, manifest, "apply");
  await kubectl(sandbox, "wait", "--for=condition=Ready", "--timeout=60s", `pod/${name}`, "-n", "default");
  return async () => {
    await kubectl(sandbox, "delete", "pod", name, "-n", "default");
    await patchKey(sandbox, ...VALUES, values);
    await restartKbs(sandbox);
  };
}
