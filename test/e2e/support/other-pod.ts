import { gunzipSync, gzipSync } from "node:zlib";
import { parse, stringify } from "smol-toml";
import type { Sandbox } from "../../../sandbox/api.ts";
import { pcr8 } from "../../sandbox/live/support.ts";
import { configMapKey, editReferenceValues, patchKey, restartKbs } from "./cluster.ts";
import { create, read, ready, remove } from "./objects.ts";

const INITDATA = "io.katacontainers.config.hypervisor.cc_init_data";
const VALUES = ["trusteeconfig-rvps-reference-values", "reference-values.json"] as const;

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
  const { metadata, spec: live } = await read(sandbox, "Pod", pod, "default");
  const { annotations = {} } = metadata;
  const toml = gunzipSync(Buffer.from(annotations[INITDATA] ?? "", "base64")).toString("utf8");
  const other = otherInitdata(toml, name, `curl -s http://127.0.0.1:8006/cdh/resource/default/${path}`);
  const values = await configMapKey(sandbox, ...VALUES);
  await editReferenceValues(sandbox, "0.18", "snp_pcr08", (entry) => ({
    ...entry,
    value: [...entry.value, pcr8(other)],
  }));
  await restartKbs(sandbox);
  const { nodeName: _, ...spec } = live as Readonly<Record<string, unknown>>;
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
  await create(sandbox, manifest);
  await ready(sandbox, [name]);
  return async () => {
    await remove(sandbox, "Pod", name, "default");
    await patchKey(sandbox, ...VALUES, values);
    await restartKbs(sandbox);
  };
}
