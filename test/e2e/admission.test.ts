import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Sandbox } from "../../sandbox/api.ts";
import { initdataAnnotation, podUids } from "./support/cluster.ts";
import { create, patch, read } from "./support/objects.ts";
import { Project, type Configuration } from "./support/project.ts";
import { podWebhook, type AdmittedPod, type PatchOperation } from "./support/webhook.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

/**
 * The changes of cloud-api-adaptor's webhook to a peer pod: it removes the resources, and requests one of the
 * node's VMs.
 * @see
 * https://github.com/confidential-containers/cloud-api-adaptor/blob/main/src/webhook/pkg/mutating/remove-resourcespec.go
 */
function peerPods({ spec }: AdmittedPod): readonly PatchOperation[] {
  if (spec.runtimeClassName !== "kata-remote") return [];
  const vm = { "kata.peerpods.io/vm": "1" };
  return [
    { op: "add", path: "/spec/containers/0/resources", value: { limits: vm, requests: vm } },
    {
      op: "add",
      path: "/metadata/annotations/io.katacontainers.config.hypervisor.default_vcpus",
      value: "1",
    },
  ];
}

/** A webhook that rewrites images to a mirror. */
function mirror({ spec }: AdmittedPod): readonly PatchOperation[] {
  const image = spec.containers[0]?.image.replace(/^quay\.io\//, "mirror.example:8443/quay/");
  return [{ op: "replace", path: "/spec/containers/0/image", value: image }];
}

/** The changes of other webhooks and admission plugins: they add fields and change declared ones. */
function others({ spec }: AdmittedPod): readonly PatchOperation[] {
  const [{ env = [] } = {}] = spec.containers as readonly { readonly env?: readonly unknown[] }[];
  return [
    { op: "add", path: "/spec/containers/0/env", value: [{ name: "HTTPS_PROXY", value: "proxy" }, ...env] },
    { op: "add", path: "/spec/nodeSelector", value: { "kubernetes.io/os": "linux" } },
    { op: "add", path: "/spec/tolerations/-", value: { key: "peer", operator: "Exists" } },
    { op: "add", path: "/spec/volumes/-", value: { name: "added", emptyDir: {} } },
    { op: "add", path: "/spec/terminationGracePeriodSeconds", value: 5 },
    { op: "add", path: "/spec/containers/0/securityContext/runAsUser", value: 1_000_700_000 },
  ];
}

interface Spec {
  readonly containers: readonly Readonly<Record<string, unknown>>[];
}

describe("bare Pods that admission changes", () => {
  let sandbox: Sandbox;
  let project: Project;
  const ends: (() => Promise<void>)[] = [];

  const settings = (pod: Configuration, ...more: readonly Configuration[]): Configuration => ({
    podDefaults: {
      image: "quay.io/example/app:1",
      imagePolicy: false,
      env: { MODE: "a" },
      resources: { requests: { cpu: "500m", memory: "256Mi" }, limits: { cpu: "1", memory: "512Mi" } },
    },
    pods: [{ name: "pod1", ...pod }, { name: "web", kind: "Deployment" }, ...more],
  });

  async function container(name = "pod1"): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { spec } = await read(sandbox, "Pod", name, "default");
    return (spec as Spec).containers[0];
  }

  /** Pulumi's operation on the pod in a preview. */
  async function planned(): Promise<string> {
    const { exitCode, stdout, stderr } = await project.preview("--json");
    if (exitCode !== 0) throw new Error(stdout + stderr);
    const { steps } = JSON.parse(stdout) as { steps: { op: string; urn: string }[] };
    return steps
      .filter(({ urn }) => urn.endsWith("core/v1:Pod::pod1"))
      .map(({ op }) => op)
      .join(", ");
  }

  beforeAll(async () => {
    sandbox = await takeSandbox();
    const vms = [{ op: "add", path: "/status/capacity/kata.peerpods.io~1vm", value: "10" }];
    const change = [...vms, { ...vms[0], path: "/status/allocatable/kata.peerpods.io~1vm" }];
    await patch(sandbox, "Node", "kata-worker/status", change, "");
    for (const [name, mutate] of Object.entries({ "peer-pods": peerPods, mirror, others })) {
      ends.push(await podWebhook(sandbox, name, mutate));
    }
    project = new Project(sandbox, "admission");
    await project.init(settings({}));
    await project.up();
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    for (const end of ends) await end();
    await sandbox.stop();
  });

  it("have no changes in the next preview", async () => {
    const before = await podUids(sandbox);
    expect(await container()).toMatchObject({
      image: "mirror.example:8443/quay/example/app:1",
      env: [
        { name: "HTTPS_PROXY", value: "proxy" },
        { name: "MODE", value: "a" },
      ],
      resources: { limits: { "kata.peerpods.io/vm": "1" }, requests: { "kata.peerpods.io/vm": "1" } },
    });
    await project.expectNoChanges();
    await project.up();
    expect(await podUids(sandbox)).toEqual(before);
  });

  it("are updated in place when a label changes", async () => {
    const before = await podUids(sandbox);
    project.configure(settings({ labels: { team: "a" } }));
    expect(await planned()).toBe("refresh, update");
    await project.up();
    expect(await podUids(sandbox)).toEqual(before);
    expect((await read(sandbox, "Pod", "pod1", "default")).metadata.labels?.["team"]).toBe("a");
    await project.expectNoChanges();
  });

  it.each<[string, Configuration, Configuration]>([
    ["resources", { resources: { limits: { cpu: "2" } } }, {}],
    ["the image", { image: "quay.io/example/app:2" }, { image: "mirror.example:8443/quay/example/app:2" }],
    [
      "the environment",
      { env: { MODE: "b" } },
      {
        env: [
          { name: "HTTPS_PROXY", value: "proxy" },
          { name: "MODE", value: "b" },
        ],
      },
    ],
    ["a command", { command: ["sleep", "1"] }, { command: ["sleep", "1"] }],
  ])("are replaced when their declaration changes: %s", async (_, change, live) => {
    const { pod1: before } = await podUids(sandbox);
    project.configure(settings({ labels: { team: "a" }, ...change }));
    expect(await planned()).toBe("refresh, replace");
    await project.up();
    const { pod1: after } = await podUids(sandbox);
    expect(after).not.toBe(before);
    expect(await container()).toMatchObject(live);
    await project.expectNoChanges();
  });

  it("are adopted with the changes of admission, and replaced when their declaration changes later", async () => {
    const toml = `${gunzipSync(Buffer.from(await initdataAnnotation(sandbox, "pod1"), "base64")).toString()}# by hand\n`;
    writeFileSync(join(project.folder, "by-hand.toml"), toml);
    const annotations = {
      "io.katacontainers.config.hypervisor.cc_init_data": gzipSync(toml).toString("base64"),
    };
    const spec = {
      runtimeClassName: "kata-remote",
      containers: [
        {
          name: "app",
          image: "quay.io/example/app:1",
          env: [{ name: "MODE", value: "a" }],
          securityContext: { allowPrivilegeEscalation: false },
        },
      ],
    };
    const metadata = { name: "by-hand", namespace: "default", annotations };
    expect(await create(sandbox, { apiVersion: "v1", kind: "Pod", metadata, spec })).toBe("");
    const [before, live] = [await podUids(sandbox), await container("by-hand")];
    expect(live).toMatchObject({ image: "mirror.example:8443/quay/example/app:1" });

    const adopting = { name: "by-hand", containerName: "app", initdataFile: "by-hand.toml", adopt: true };
    project.configure(settings({}, adopting));
    expect((await project.preview()).stderr).toBe("");
    await project.up();
    expect(await podUids(sandbox)).toMatchObject({ "by-hand": before["by-hand"] });
    expect(await container("by-hand")).toEqual(live);
    await project.expectNoChanges();

    project.configure(settings({}, { ...adopting, adopt: false, image: "quay.io/example/app:3" }));
    await project.up();
    expect((await podUids(sandbox))["by-hand"]).not.toBe(before["by-hand"]);
    expect(await container("by-hand")).toMatchObject({ image: "mirror.example:8443/quay/example/app:3" });
    await project.expectNoChanges();
  });
});
