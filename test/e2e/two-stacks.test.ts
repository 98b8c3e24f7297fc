import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { generations } from "../../core/trustee/generation.ts";
import type { Sandbox } from "../../sandbox/api.ts";
import { readable, restartKbs, sharedData, type SharedData } from "./support/cluster.ts";
import { devConfiguration, encryptedValue, Project, type Configuration } from "./support/project.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

/** Another team's stack on the same Trustee, with its own pod and secret. */
function otherConfiguration(): Configuration {
  const { podDefaults } = devConfiguration();
  return {
    secrets: [{ name: "team-b", keys: ["token"], from: "setting" }],
    secretValues: { "team-b": { token: encryptedValue() } },
    grants: [{ pod: "b1", secret: "team-b" }],
    podDefaults: {
      ...(podDefaults as Configuration),
      execCurl: ["team-b/token", "p2-secret/secret", "kbsres1/key1"],
    },
    pods: [{ name: "b1" }],
  };
}

function tutorialConfiguration(): Configuration {
  const configuration = devConfiguration();
  const execCurl = ["fraud-dataset/dataset_key", "p2-secret/secret", "team-b/token"];
  return { ...configuration, podDefaults: { ...(configuration["podDefaults"] as Configuration), execCurl } };
}

describe.each(generations)("two stacks on one Trustee %s", (trustee) => {
  let sandbox: Sandbox;
  let before: SharedData;
  let tutorial: Project;
  let other: Project;

  beforeAll(async () => {
    sandbox = await takeSandbox(trustee);
    before = await sharedData(sandbox);
    tutorial = new Project(sandbox, "tutorial");
    other = new Project(sandbox, "other");
    await tutorial.init(tutorialConfiguration());
    await other.init(otherConfiguration());
  }, 1_800_000);
  afterAll(async () => {
    await other.dispose();
    await tutorial.dispose();
    await sandbox.stop();
  });

  const tutorialHolds = async (): Promise<void> => {
    expect(await readable(sandbox, "pod1", "fraud-dataset/dataset_key")).toBe(true);
    expect(await readable(sandbox, "pod2", "p2-secret/secret")).toBe(true);
    expect(await readable(sandbox, "pod3", "p2-secret/secret")).toBe(false);
  };
  const otherHolds = async (): Promise<void> => {
    expect(await readable(sandbox, "b1", "team-b/token")).toBe(true);
    expect(await readable(sandbox, "b1", "p2-secret/secret")).toBe(false);
  };
  const unchanged = async (project: Project): Promise<void> => {
    const { exitCode, stdout } = await project.preview("--expect-no-changes");
    expect({ exitCode, printed: exitCode === 0 ? "" : stdout }).toEqual({ exitCode: 0, printed: "" });
  };

  it("have their own grants, and report no drift of each other", async () => {
    await tutorial.up();
    await other.up();
    await tutorialHolds();
    await otherHolds();
    expect(await readable(sandbox, "pod3", "team-b/token")).toBe(false);
    await unchanged(tutorial);
    await unchanged(other);
  });

  it("keep the grants of the second when the first is destroyed", async () => {
    await tutorial.destroy();
    await restartKbs(sandbox);
    // Nothing serves while the operator removes the restart's annotation and replaces the KBS once more.
    await vi.waitFor(otherHolds, { timeout: 60_000, interval: 1000 });
    await unchanged(other);
  });

  it("keep the grants of the first when it returns and the second is destroyed", async () => {
    await tutorial.up();
    await other.destroy();
    await tutorialHolds();
    await unchanged(tutorial);
  });

  it("restore the original content when the last one is destroyed", async () => {
    await tutorial.destroy();
    expect(await sharedData(sandbox)).toEqual(before);
  });

  it("lose nothing in concurrent runs", async () => {
    await Promise.all([tutorial.up(), other.up()]);
    await tutorialHolds();
    await otherHolds();
    await Promise.all([tutorial.destroy(), other.destroy()]);
    expect(await sharedData(sandbox)).toEqual(before);
  });
});
