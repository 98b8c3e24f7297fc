import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeAnnotation } from "../../core/initdata/annotation.ts";
import { renderInitdata } from "../../core/initdata/initdata.ts";
import type { Kind } from "../../kube/objects.ts";
import type { Sandbox } from "../../sandbox/api.ts";
import { kubectl } from "../sandbox/live/support.ts";
import { kubeconfigOf } from "./support/account.ts";
import { api } from "./support/api.ts";
import { readable, sharedData, trustedCertificate } from "./support/cluster.ts";
import { create, field, foreignPod, read, ready, rolledOut } from "./support/objects.ts";
import { Project, type Configuration } from "./support/project.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

/** Not valid text in any encoding. */
const BINARY = Buffer.from([0, 255, 254, 10, 13, 0, 128, 192, 193, 7]);
const PATHS = ["db/admin", "db/app", "tls/key.bin", "fraud-dataset/dataset_key", "kbsres1/key1"];
const URL = "https://kbs-service-trustee-operator-system.apps.sandbox.example";

/** A document as another team writes it. */
function foreignInitdata(pod: string, certificate: string): string {
  return renderInitdata({
    algorithm: "sha256",
    claims: { pod_name: pod },
    url: URL,
    certificate,
    agentPolicy: {
      logs: true,
      allowedCommands: PATHS.map((path) => `curl -s http://127.0.0.1:8006/cdh/resource/default/${path}`),
    },
  });
}

/** PCR8 by the tutorial's commands: sha256sum and xxd. */
function pcr8ByShell(toml: string): string {
  const script = `(printf '%064d' 0; sha256sum | cut -d' ' -f1) | xxd -r -p | sha256sum | cut -d' ' -f1`;
  return execFileSync("bash", ["-c", script], { input: toml }).toString("utf8").trim();
}

function settings(auditor: string, change: Configuration = {}): Configuration {
  return {
    secrets: [
      { name: "db", from: "generate", keys: ["admin", "app"], length: 40 },
      { name: "tls", from: "file", files: { "key.bin": "key.bin" } },
      { name: "fraud-dataset", keys: ["dataset_key"] },
      { name: "kbsres1", keys: ["key1"] },
    ],
    podDefaults: { image: "registry.example/app:1", containerName: "app", execCurl: PATHS },
    pods: [
      { name: "web", namespace: "team-a", kind: "Deployment", replicas: 2 },
      { name: "web", namespace: "team-b" },
      { name: "store", namespace: "team-a", kind: "StatefulSet" },
      { name: "nightly", kind: "Job", annotations: { "pulumi.com/skipAwait": "true" } },
      { name: "elsewhere", namespace: "team-b", deploy: false },
    ],
    readers: [
      { name: "partner", initdataFile: "partner.toml" },
      { name: "auditor", initdata: auditor },
    ],
    grants: [
      { pod: "team-a/web", secret: "db", key: "app" },
      { pod: "team-b/web", secret: "db", key: "admin" },
      { pod: "team-b/web", secret: "tls" },
      { pod: "store", secret: "tls" },
      { pod: "elsewhere", secret: "fraud-dataset" },
      { reader: "partner", secret: "fraud-dataset" },
      { reader: "auditor", secret: "db", key: "app" },
      { pod: "nightly", secret: "fraud-dataset" },
    ],
    ...change,
  };
}

describe("a stack with many pods, secrets and ways to deploy them", () => {
  let sandbox: Sandbox;
  let project: Project;
  let before: unknown;
  let auditor: string;

  beforeAll(async () => {
    sandbox = await takeSandbox();
    before = await sharedData(sandbox);
    for (const name of ["team-a", "team-b"])
      await create(sandbox, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    project = new Project(sandbox, "general");
    writeFileSync(join(project.folder, "key.bin"), BINARY);
    const tls = await trustedCertificate(sandbox);
    const [partner, audit] = [foreignInitdata("partner", tls), foreignInitdata("auditor", tls)];
    auditor = pcr8ByShell(audit);
    writeFileSync(join(project.folder, "partner.toml"), partner);
    await project.init(settings(auditor));
    await project.up();
    const { annotations } = (await project.outputs()) as { annotations: Record<string, string> };
    const pods = [
      foreignPod("elsewhere", annotations["team-b/elsewhere"] ?? "", "team-b"),
      foreignPod("partner", encodeAnnotation(partner)),
      foreignPod("auditor", encodeAnnotation(audit)),
    ];
    expect(await create(sandbox, ...pods)).toBe("");
    await ready(sandbox, ["elsewhere"], "team-b");
    await ready(sandbox, ["partner", "auditor"]);
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    await sandbox.stop();
  });

  /** The paths that a pod may read, by curl in the pod. */
  async function pathsOf(pod: string, namespace: string): Promise<readonly string[]> {
    const read = await Promise.all(PATHS.map(async (path) => readable(sandbox, pod, path, namespace)));
    return PATHS.filter((_, index) => read[index]);
  }

  /** A pod of a controller. */
  async function podOf(namespace: string, label: string): Promise<string> {
    const pods = await api(sandbox).list("Pod", namespace, label);
    return pods.find(({ metadata }) => metadata.deletionTimestamp === undefined)?.metadata.name ?? "";
  }
  const podOfWeb = async (): Promise<string> => podOf("team-a", "trustee-access/workload=web");

  async function cells(): Promise<unknown> {
    return {
      "team-a/web": await pathsOf(await podOfWeb(), "team-a"),
      "team-b/web": await pathsOf("web", "team-b"),
      "team-a/store": await pathsOf("store-0", "team-a"),
      nightly: await pathsOf(await podOf("default", "batch.kubernetes.io/job-name=nightly"), "default"),
      "team-b/elsewhere": await pathsOf("elsewhere", "team-b"),
      partner: await pathsOf("partner", "default"),
      auditor: await pathsOf("auditor", "default"),
    };
  }

  const expected = {
    "team-a/web": ["db/app", "kbsres1/key1"],
    "team-b/web": ["db/admin", "tls/key.bin", "kbsres1/key1"],
    "team-a/store": ["tls/key.bin", "kbsres1/key1"],
    nightly: ["fraud-dataset/dataset_key", "kbsres1/key1"],
    "team-b/elsewhere": ["fraud-dataset/dataset_key", "kbsres1/key1"],
    partner: ["fraud-dataset/dataset_key", "kbsres1/key1"],
    auditor: ["db/app", "kbsres1/key1"],
  };

  it("lets each reader read what it is granted, for all kinds and deployers", async () => {
    expect(await cells()).toEqual(expected);
    const { access } = (await project.outputs()) as { access: Record<string, Record<string, string>> };
    const allowed = Object.entries(access).map(([pod, row]) => [
      pod,
      PATHS.filter((path) => ["granted", "not-restricted"].includes(row[path] ?? "")),
    ]);
    expect(Object.fromEntries(allowed)).toEqual(expected);
  });

  it("returns the file's bytes unchanged", () => {
    const bytes = execFileSync(
      "kubectl",
      [
        ...["exec", "pod/store-0", "-n", "team-a", "--", "curl", "-s"],
        "http://127.0.0.1:8006/cdh/resource/default/tls/key.bin",
      ],
      { env: { ...process.env, ...sandbox.env } },
    );
    expect(bytes).toEqual(BINARY);
  });

  it("has no changes in a preview, and keeps generated values encrypted in the state", async () => {
    const { exitCode, stdout, stderr } = await project.preview("--expect-no-changes");
    expect({ exitCode, printed: exitCode === 0 ? "" : stdout + stderr }).toEqual({
      exitCode: 0,
      printed: "",
    });
    const current = async (): Promise<string> =>
      Buffer.from(field(await read(sandbox, "Secret", "db"), "data", "app"), "base64").toString("utf8");
    const value = await current();
    expect(value).toMatch(/^[A-Za-z0-9]{40}$/);
    const state = await project.state();
    for (const text of [value, Buffer.from(value).toString("base64")]) expect(state).not.toContain(text);
    expect(JSON.stringify(await project.outputs()) + stdout).not.toContain(value);
    await project.up();
    expect(await current()).toBe(value);
  });

  it("rolls only the pods of a controller whose initdata changes, and replaces a Job", async () => {
    const uid = async (kind: Kind, name: string, namespace: string): Promise<unknown> =>
      (await read(sandbox, kind, name, namespace)).metadata.uid;
    const uids = async (): Promise<Readonly<Record<string, unknown>>> => ({
      deployment: await uid("Deployment", "web", "team-a"),
      statefulSet: await uid("StatefulSet", "store", "team-a"),
      storePod: await uid("Pod", "store-0", "team-a"),
      job: await uid("Job", "nightly", "default"),
      pod: await uid("Pod", "web", "team-b"),
    });
    const changed = async (...names: readonly string[]): Promise<readonly string[]> => {
      const earlier = await uids();
      const pods = (settings(auditor)["pods"] as readonly Record<string, unknown>[]).map((pod) => {
        const id = `${String(pod["kind"])} ${String(pod["name"])}`;
        return names.includes(id) ? { ...pod, claims: { release: "2" } } : pod;
      });
      project.configure(settings(auditor, { pods }));
      await project.up();
      await rolledOut(sandbox, "Deployment", "web", "team-a");
      await rolledOut(sandbox, "StatefulSet", "store", "team-a");
      const later = await uids();
      expect(await cells()).toEqual(expected);
      return Object.keys(later).filter((name) => later[name] !== earlier[name]);
    };
    expect(await changed("Deployment web")).toEqual([]);
    expect(await changed("Deployment web", "StatefulSet store", "Job nightly")).toEqual(["storePod", "job"]);
  });

  it("leaves nothing after destroy", async () => {
    await project.destroy();
    expect(await sharedData(sandbox)).toEqual(before);
    const kinds = ["Deployment", "StatefulSet", "Job"] as const;
    const left = await Promise.all(kinds.map(async (kind) => api(sandbox).list(kind, undefined)));
    expect(left.flat().map(({ metadata }) => metadata.name)).toEqual(["trustee-deployment"]);
  });

  it("needs only the shipped Roles", async () => {
    for (const file of ["deploy/rbac/pod-side.yaml", "deploy/rbac/pod-side-workloads.yaml"]) {
      await kubectl(sandbox, ["apply", "-n", "team-a", "-f", file]);
    }
    project.configure(
      settings(auditor, {
        podCluster: { kubeconfig: await kubeconfigOf(sandbox, project, "team-a", "trustee-access-pods") },
        pods: [
          { name: "web", namespace: "team-a", kind: "Deployment" },
          { name: "store", namespace: "team-a", kind: "StatefulSet" },
          {
            name: "nightly",
            namespace: "team-a",
            kind: "Job",
            annotations: { "pulumi.com/skipAwait": "true" },
          },
        ],
        readers: [],
        grants: [{ pod: "web", secret: "tls" }],
      }),
    );
    await project.up();
    expect(await pathsOf(await podOfWeb(), "team-a")).toEqual([
      "tls/key.bin",
      "fraud-dataset/dataset_key",
      "kbsres1/key1",
    ]);
    const { exitCode, stdout } = await project.preview("--expect-no-changes");
    expect({ exitCode, printed: exitCode === 0 ? "" : stdout }).toEqual({ exitCode: 0, printed: "" });
    await project.destroy();
    expect(await sharedData(sandbox)).toEqual(before);
  });
});
