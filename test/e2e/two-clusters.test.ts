import { symlinkSync } from "node:fs";
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

  beforeAll(async () => {
    trusteeSide = await startSandbox({ name: "e2e-trustee-side", trustee: "0.21" });
    podSide = await startSandbox({ name: "e2e-pod-side", trusteeOf: trusteeSide.name });
    before = await Promise.all([sharedData(trusteeSide), sharedData(podSide)]);
    project = new Project(trusteeSide, "split");
    symlinkSync(resolve("cli"), join(project.folder, "cli"));
    await project.init({
      ...devConfiguration(),
      trustee: { kubeconfig: trusteeSide.kubeconfig },
      podCluster: { kubeconfig: podSide.kubeconfig },
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

  it("has no changes in a preview, and leaves no trace after destroy", async () => {
    const { exitCode, stdout } = await project.preview("--expect-no-changes");
    expect({ exitCode, printed: exitCode === 0 ? "" : stdout }).toEqual({ exitCode: 0, printed: "" });
    await project.destroy();
    expect(await Promise.all([sharedData(trusteeSide), sharedData(podSide)])).toEqual(before);
    expect(await podUids(podSide)).toEqual({});
  });
});
