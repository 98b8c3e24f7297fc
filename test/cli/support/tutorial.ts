import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sandbox } from "../../../sandbox/api.ts";
import { configMapKey, restartKbs, trustedCertificate } from "../../e2e/support/cluster.ts";
import { create, createSecret, field, patch, read, ready } from "../../e2e/support/objects.ts";
import { initdata, inTrustee, kubectl, pcr8, pod } from "../../sandbox/live/support.ts";

/** The tutorial's resource policy, character for character: for the engine of KBS up to v0.16. */
export const tutorialPolicy = (pod1: string, pod2: string): string => `package policy
import future.keywords.if
default allow = false

init_data_pod1 := "${pod1}"
init_data_pod2 := "${pod2}"

path := split(data["resource-path"], "/")

is_p1 {
  count(path) > 2
  path[2] == "fraud-dataset"
}

is_p2 {
  count(path) > 2
  path[2] == "p2-secret"
}

allow if {
  is_p1
  input["submods"]["cpu0"]["ear.status"] == "affirming"
  input["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["init_data"] == init_data_pod1
}

allow if {
  is_p2
  input["submods"]["cpu0"]["ear.status"] == "affirming"
  input["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["init_data"] == init_data_pod2
}

allow if {
  not is_p1
  not is_p2
  input["submods"]["cpu0"]["ear.status"] == "affirming"
}
`;

const PODS = ["pod1", "pod2", "pod3"] as const;

/**
 * `kubectl create configmap --from-file --dry-run=client -o yaml | kubectl apply -f -`, as the tutorial
 * writes its ConfigMaps.
 */
export async function applyConfigMap(sandbox: Sandbox, name: string, key: string, text: string) {
  const folder = await mkdtemp(join(tmpdir(), "trustee-access-tutorial-"));
  const file = join(folder, key);
  await writeFile(file, text);
  const source = `--from-file=${key}=${file}`;
  const yaml = await inTrustee(sandbox, `create configmap ${name} ${source} --dry-run=client -o yaml`);
  await rm(folder, { recursive: true });
  await kubectl(sandbox, ["apply", "-f", "-"], yaml);
}

interface Entry {
  readonly name: string;
  readonly value: readonly string[];
}

/**
 * Does the tutorial by hand on a sandbox with Trustee 0.18: its secret, KbsConfig entry, policy, reference
 * values, restart and three pods.
 * @returns pod -> PCR8
 */
export async function tutorialByHand(sandbox: Sandbox): Promise<Readonly<Record<string, string>>> {
  const host = field(await read(sandbox, "Route", "kbs-service"), "spec", "host");
  const certificate = await trustedCertificate(sandbox);
  const tomls = PODS.map((name) => initdata(name, host, certificate));
  const digests = tomls.map(pcr8);
  const [one = "", two = ""] = digests;
  await createSecret(sandbox, "p2-secret", { secret: "Pod 2 secret!" });
  const add = [{ op: "add", path: "/spec/kbsSecretResources/-", value: "p2-secret" }];
  await patch(sandbox, "KbsConfig", "trusteeconfig-kbs-config", add);
  await applyConfigMap(sandbox, "trusteeconfig-resource-policy", "policy.rego", tutorialPolicy(one, two));
  const map = "trusteeconfig-rvps-reference-values";
  const values = JSON.parse(await configMapKey(sandbox, map, "reference-values.json")) as Entry[];
  const extended = values.map((entry) =>
    ["snp_pcr08", "tdx_pcr08"].includes(entry.name)
      ? { ...entry, value: [...entry.value, ...digests] }
      : entry,
  );
  await applyConfigMap(sandbox, map, "reference-values.json", JSON.stringify(extended, null, 2));
  // A pod created in the same second as the last write could not be distinguished from an older one.
  await sleep(1100);
  await restartKbs(sandbox);
  await create(sandbox, ...PODS.map((name, index) => pod(name, tomls[index] ?? "")));
  await ready(sandbox, PODS);
  return Object.fromEntries(PODS.map((name, index) => [name, digests[index] ?? ""]));
}
