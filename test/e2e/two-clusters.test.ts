import { copyFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandbox, type Sandbox } from "../../sandbox/api.ts";
import { command } from "../cli/support/run.ts";
import { cells, podUids, sharedData, tutorialCells, type SharedData } from "./support/cluster.ts";
import { devConfiguration, Project } from "./support/project.ts";

describe("a stack with Trustee in one cluster and the pods in another", () => {
  let trusteeSide: Sandbox;
  let podSide: Sandbox;
  let project: Project;
  let before: readonly [SharedData, SharedData];
  let podKubeconfig: string;

  beforeAll(async () => {
    trusteeSide = await startSandbox({ name: "e2e-trustee-side", trustee: "0.21" });
    podSide = await startSandbox({ name: "e2e-pod-side", trusteeOf: trusteeSide.name });
    before = await Promise.all([sharedData(trusteeSide), sharedData(podSide)]);
    project = new Project(trusteeSide, "split");
    symlinkSync(resolve("cli"), join(project.folder, "cli"));
    podKubeconfig = join(project.folder, "pods.kubeconfig");
    copyFileSync(podSide.kubeconfig, podKubeconfig);
    await project.init({
      ...devConfiguration(),
      trustee: { kubeconfig: trusteeSide.kubeconfig },
      podCluster: { kubeconfig: podKubeconfig },
    });
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    await podSide.stop();
    await trusteeSide.stop();
  });

  it("creates each object in its cluster", async () => {
    await project.up();
    expect(Object.keys(await podUids(podSide)).sort()).toEqual(["pod1", "pod2", "pod3"]);
    expect(await podUids(trusteeSide)).toEqual({});
    const [trustee, pods] = await Promise.all([sharedData(trusteeSide), sharedData(podSide)]);
    expect(trustee.kbsConfig["kbsSecretResources"]).toContain("p2-secret");
    expect(Object.keys(trustee.secrets)).toContain("p2-secret");
    expect(pods).toEqual(before[1]);
  });

  it("lets the pods read the tutorial's cells from the Trustee of the other cluster", async () => {
    expect(await cells(podSide)).toEqual(tutorialCells);
    const { exitCode, stdout } = await command(trusteeSide, ["verify", "--stack", "split"], {
      cwd: project.folder,
    });
    expect({ exitCode, printed: stdout.split("\n").at(-1) }).toEqual({
      exitCode: 0,
      printed: "All 9 cells match the stack's access matrix.",
    });
  });

  it("deletes nothing if the pods' kubeconfig leads to another cluster by now", async () => {
    const pods = await podUids(podSide);
    const deployed = await sharedData(trusteeSide);
    copyFileSync(trusteeSide.kubeconfig, podKubeconfig);
    const destroyed = await project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "split");
    copyFileSync(podSide.kubeconfig, podKubeconfig);
    expect(destroyed.exitCode).not.toBe(0);
    expect(destroyed.stdout + destroyed.stderr).toContain("TA834 This stack is on the cluster at ");
    expect(await podUids(podSide)).toEqual(pods);
    expect(await sharedData(trusteeSide)).toEqual(deployed);
    // The engine has read the pods on the other cluster, and forgotten them.
    await project.up();
    expect(await podUids(podSide)).toEqual(pods);
  });

  it("has no changes in a preview, and leaves no trace after destroy", async () => {
    const { exitCode, stdout } = await project.preview("--expect-no-changes");
    expect({ exitCode, printed: exitCode === 0 ? "" : stdout }).toEqual({ exitCode: 0, printed: "" });
    await project.destroy();
    expect(await Promise.all([sharedData(trusteeSide), sharedData(podSide)])).toEqual(before);
    expect(await podUids(podSide)).toEqual({});
  });
});
