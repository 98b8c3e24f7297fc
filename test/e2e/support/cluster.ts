import { setTimeout as sleep } from "node:timers/promises";
import { INITDATA_ANNOTATION } from "../../../core/initdata/annotation.ts";
import { RESTARTED_AT_ANNOTATION } from "../../../core/rollout/kbs-pods.ts";
import { generationFacts, type Generation } from "../../../core/trustee/generation.ts";
import type { KubeObject } from "../../../kube/objects.ts";
import type { Sandbox } from "../../../sandbox/api.ts";
import { paddedBase64url } from "../../support/base64url.ts";
import { api, exec, NAMESPACE } from "./api.ts";
import { field, patch, read, removeKbsPods, rolledOut } from "./objects.ts";

export { NAMESPACE };

interface WithData {
  readonly data?: Readonly<Record<string, string>>;
  readonly type?: string;
}

export interface SharedData {
  readonly configMaps: Readonly<Record<string, WithData>>;
  readonly secrets: Readonly<Record<string, WithData>>;
  readonly kbsConfig: Readonly<Record<string, unknown>>;
}

/** The data of Trustee's objects, to compare before and after, byte for byte. */
export async function sharedData(sandbox: Sandbox): Promise<SharedData> {
  const client = api(sandbox);
  const [configMaps, secrets, kbsConfig] = await Promise.all([
    client.list("ConfigMap", NAMESPACE),
    client.list("Secret", NAMESPACE),
    client.get({ kind: "KbsConfig", namespace: NAMESPACE, name: "trusteeconfig-kbs-config" }),
  ]);
  const dataByName = (items: readonly KubeObject[]): Readonly<Record<string, WithData>> =>
    Object.fromEntries(
      (items as readonly (KubeObject & WithData)[]).map(({ metadata, data, type }) => [
        metadata.name,
        { ...(data === undefined ? {} : { data }), ...(type === undefined ? {} : { type }) },
      ]),
    );
  return {
    configMaps: dataByName(configMaps),
    secrets: dataByName(secrets),
    kbsConfig: kbsConfig?.["spec"] as SharedData["kbsConfig"],
  };
}

export interface Marks {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * The labels and annotations of Trustee's objects, which {@link sharedData} leaves out: kind/name -> marks.
 */
export async function sharedMarks(sandbox: Sandbox): Promise<Readonly<Record<string, Marks>>> {
  const client = api(sandbox);
  const marks = await Promise.all(
    (["ConfigMap", "Secret", "KbsConfig"] as const).map(async (kind) =>
      (await client.list(kind, NAMESPACE)).map(({ metadata: { name, labels = {}, annotations = {} } }) => [
        `${kind}/${name}`,
        { labels, annotations },
      ]),
    ),
  );
  return Object.fromEntries(marks.flat()) as Readonly<Record<string, Marks>>;
}

/** Changes one key of a ConfigMap, as another client would. */
export async function patchKey(
  sandbox: Sandbox,
  name: string,
  key: string,
  content: string | null,
): Promise<void> {
  await patch(sandbox, "ConfigMap", name, { data: { [key]: content } });
}

interface RawEntry {
  readonly name: string;
  readonly expiration: string;
  readonly value: readonly string[];
}

/** Changes one entry of the reference values by hand, in the format of that generation. */
export async function editReferenceValues(
  sandbox: Sandbox,
  trustee: Generation,
  name: string,
  edit: (entry: RawEntry) => RawEntry,
): Promise<void> {
  const configMap = "trusteeconfig-rvps-reference-values";
  const key = generationFacts[trustee].referenceValuesKey;
  const text = await configMapKey(sandbox, configMap, key);
  if (trustee === "0.18") {
    const entries = JSON.parse(text) as readonly RawEntry[];
    const edited = entries.map((entry) => (entry.name === name ? edit(entry) : entry));
    await patchKey(sandbox, configMap, key, JSON.stringify(edited, null, 2));
    return;
  }
  const entries = JSON.parse(text) as Readonly<Record<string, string>>;
  const entry = JSON.parse(Buffer.from(entries[name] ?? "", "base64url").toString()) as RawEntry;
  const encoded = paddedBase64url(JSON.stringify(edit(entry)));
  await patchKey(sandbox, configMap, key, JSON.stringify({ ...entries, [name]: encoded }, null, 2));
}

export async function configMapKey(sandbox: Sandbox, name: string, key: string): Promise<string> {
  return field(await read(sandbox, "ConfigMap", name), "data", key);
}

/** The certificate of Trustee's route, which pods trust. */
export async function trustedCertificate(sandbox: Sandbox): Promise<string> {
  const encoded = field(await read(sandbox, "Secret", "trustee-tls-cert"), "data", "tls.crt");
  return Buffer.from(encoded, "base64").toString("utf8");
}

/** Pod -> uid, to detect that a pod was replaced. */
export async function podUids(
  sandbox: Sandbox,
  namespace = "default",
): Promise<Readonly<Record<string, string>>> {
  const pods = await api(sandbox).list("Pod", namespace);
  return Object.fromEntries(pods.map(({ metadata }) => [metadata.name, metadata.uid ?? ""]));
}

/** The initdata annotation of a running pod. */
export async function initdataAnnotation(sandbox: Sandbox, pod: string): Promise<string> {
  const found = await api(sandbox).get({ kind: "Pod", namespace: "default", name: pod });
  return found?.metadata.annotations?.[INITDATA_ANNOTATION] ?? "";
}

/** The output of the tutorial's command in a pod. */
export async function curl(sandbox: Sandbox, pod: string, path: string, namespace = "default") {
  const url = `http://127.0.0.1:8006/cdh/resource/default/${path}`;
  return exec(sandbox, pod, namespace, ["curl", "-s", url]);
}

/** True if a pod gets a secret by the tutorial's command. */
export async function readable(...where: Parameters<typeof curl>): Promise<boolean> {
  return !(await curl(...where)).includes("[CDH] [ERROR]: Get Resource failed");
}

/** The time of a ConfigMap's last write, by the API server's clock, in milliseconds. */
export async function lastChange(sandbox: Sandbox, configMap: string): Promise<number> {
  const found = await api(sandbox).get({ kind: "ConfigMap", namespace: NAMESPACE, name: configMap });
  const times = found?.metadata.managedFields?.map(({ time = "" }) => Date.parse(time)) ?? [];
  return Math.max(...times);
}

const KBS = ["Deployment", "trustee-deployment"] as const;

/** Restarts the KBS as `kubectl rollout restart` does, and waits for the rollout. */
export async function restartKbs(sandbox: Sandbox): Promise<void> {
  const annotations = { [RESTARTED_AT_ANNOTATION]: new Date().toISOString().replace(/\.\d+/, "") };
  await patch(sandbox, ...KBS, { spec: { template: { metadata: { annotations } } } });
  await rolledOut(sandbox, ...KBS);
}

/** Replaces every KBS pod. The new pods are over a second younger than every earlier write. */
export async function replaceKbsPods(sandbox: Sandbox): Promise<void> {
  await rolledOut(sandbox, ...KBS);
  await sleep(1500);
  await removeKbsPods(sandbox);
  await rolledOut(sandbox, ...KBS);
}

/** The creation times of the running KBS pods, in milliseconds. */
export async function kbsPodCreation(sandbox: Sandbox): Promise<readonly number[]> {
  const pods = await api(sandbox).list("Pod", NAMESPACE, "app=kbs");
  return pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? ""));
}

const tutorialPods = ["pod1", "pod2", "pod3"];
const tutorialPaths = ["fraud-dataset/dataset_key", "p2-secret/secret", "kbsres1/key1"];

/** The tutorial's nine cells, pod by secret, as {@link cells} returns them. */
export const tutorialCells: readonly (readonly boolean[])[] = [
  [true, false, true],
  [false, true, true],
  [false, false, true],
];

/** The nine cells of the cluster, by the tutorial's nine commands. */
export async function cells(sandbox: Sandbox): Promise<readonly (readonly boolean[])[]> {
  return Promise.all(
    tutorialPods.map(async (pod) =>
      Promise.all(tutorialPaths.map(async (path) => readable(sandbox, pod, path))),
    ),
  );
}
