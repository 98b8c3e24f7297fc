import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandResult, type Sandbox } from "../../sandbox/api.ts";
import { cells, podUids, sharedData, tutorialCells, type SharedData } from "./support/cluster.ts";
import { field, read, remove } from "./support/objects.ts";
import { devConfiguration, Project, type Configuration } from "./support/project.ts";
import { Stranger } from "./support/stranger.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

/** The tutorial, and a secret that the stack generates for one of its pods. */
function settings(secret: Configuration): Configuration {
  const configuration = devConfiguration();
  const list = (name: string): readonly Configuration[] => configuration[name] as readonly Configuration[];
  return {
    ...configuration,
    secrets: [...list("secrets"), { name: "made", keys: ["a"], ...secret }],
    grants: [...list("grants"), { pod: "pod1", secret: "made" }],
  };
}
const generated = settings({ from: "generate" });

describe("a stack that moves to another name, backend or cluster", () => {
  let here: Sandbox;
  let there: Sandbox;
  let project: Project;
  let stranger: Stranger;
  let before: readonly SharedData[];
  const otherBackend = mkdtempSync(join(tmpdir(), "trustee-access-backend-"));
  const elsewhere = { PULUMI_BACKEND_URL: `file://${otherBackend}` };

  beforeAll(async () => {
    here = await takeSandbox();
    there = await takeSandbox();
    stranger = await Stranger.start(here, ["made/a", "p2-secret/secret"]);
    before = await Promise.all([here, there].map(sharedData));
    project = new Project(here, "moving");
    await project.init(generated);
    await stranger.during(async () => project.up());
    await project.expectNoChanges();
  }, 1_800_000);
  afterAll(async () => {
    await stranger.stop();
    await project.dispose();
    await there.stop();
    await here.stop();
    rmSync(otherBackend, { recursive: true, force: true });
  });

  const value = async (sandbox: Sandbox = here): Promise<string> =>
    field(await read(sandbox, "Secret", "made"), "data", "a");
  const uid = async (): Promise<unknown> => (await read(here, "Secret", "made")).metadata.uid;
  const other = (...args: readonly string[]): Promise<CommandResult> =>
    here.pulumi(args, { cwd: project.folder, env: elsewhere });
  const succeedsThere = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await other(...args);
    expect({ exitCode, printed: exitCode === 0 ? "" : stdout + stderr }).toEqual({
      exitCode: 0,
      printed: "",
    });
    return stdout;
  };

  it("keeps its pods, its Secret and its grants under another name", async () => {
    const [pods, secret] = [await podUids(here), await uid()];
    await project.succeed("stack", "rename", "renamed", "--stack", "moving");
    await project.succeed("stack", "rename", "moving", "--stack", "renamed");
    await project.succeed("stack", "rename", "renamed", "--stack", "moving");
    await project.succeed("up", "--yes", "--skip-preview", "--stack", "renamed");
    expect([await podUids(here), await uid()]).toEqual([pods, secret]);
    expect(await cells(here)).toEqual(tutorialCells);
    await project.succeed("preview", "--expect-no-changes", "--stack", "renamed");
    await project.succeed("stack", "rename", "moving", "--stack", "renamed");
    await project.up();
    expect([await podUids(here), await uid()]).toEqual([pods, secret]);
  });

  it("differs from a stack of the same name in another backend, which is rejected", async () => {
    const now = await sharedData(here);
    await succeedsThere(...project.initArguments);
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { exitCode, stdout, stderr } = await other(...command, "--stack", "moving");
      expect(exitCode).not.toBe(0);
      expect(stdout + stderr).toContain("which belongs to another stack of the same name");
      expect(stdout + stderr).toContain("trustee-access:takeOver");
    }
    expect(await sharedData(here)).toEqual(now);
    await succeedsThere("stack", "rm", "--yes", "--force", "--stack", "moving");
    project.configure(generated);
  });

  it("continues in another backend with its state", async () => {
    const [pods, secret] = [await podUids(here), await uid()];
    const state = join(project.folder, "state.json");
    await project.succeed("stack", "export", "--show-secrets", "--file", state, "--stack", "moving");
    await succeedsThere(...project.initArguments);
    await succeedsThere("stack", "import", "--file", state, "--stack", "moving");
    rmSync(state);
    await succeedsThere("up", "--yes", "--skip-preview", "--stack", "moving");
    expect([await podUids(here), await uid()]).toEqual([pods, secret]);
    await succeedsThere("preview", "--expect-no-changes", "--stack", "moving");
    await succeedsThere("stack", "rm", "--yes", "--force", "--stack", "moving");
    project.configure(generated);
  });

  it("adopts the objects of a lost state on request", async () => {
    const [pods] = [await podUids(here)];
    await project.succeed("stack", "rm", "--yes", "--force", "--stack", "moving");
    await project.init({ ...generated, takeOver: true });
    await stranger.during(async () => project.up());
    expect(await podUids(here)).toEqual(pods);
    project.configure(generated);
    await project.up();
    expect(await cells(here)).toEqual(tutorialCells);
    await project.expectNoChanges();
  });

  it("hands over a Secret that it created: the value stays, and a preview rejects its loss", async () => {
    const held = await value();
    project.configure(settings({ from: "existing" }));
    const { exitCode, stdout, stderr } = await project.preview();
    expect({ refused: exitCode !== 0, printed: (stdout + stderr).includes("Hand it over first") }).toEqual({
      refused: true,
      printed: true,
    });
    project.configure(settings({ from: "generate", keep: true }));
    await project.up();
    project.configure(settings({ from: "existing" }));
    await stranger.during(async () => project.up());
    expect(await value()).toBe(held);
    await project.expectNoChanges();
    project.configure(devConfiguration());
    await stranger.during(async () => project.up());
    expect(await value()).toBe(held);
    await remove(here, "Secret", "made");
    stranger.expectNothingRead("another name, a lost state, a Secret that is handed over");
  });

  it("moves to another cluster with its settings: objects are created there and removed here", async () => {
    project.configure(generated);
    await project.up();
    const held = await value();
    const kubeconfig = there.kubeconfig;
    project.configure({ ...generated, trustee: { kubeconfig }, podCluster: { kubeconfig } });
    await stranger.during(async () => project.up());
    stranger.expectNothingRead("a move to another cluster");
    expect(await sharedData(here)).toEqual(before[0]);
    expect(await podUids(here)).toEqual({});
    expect(await value(there)).toBe(held);
    expect(await cells(there)).toEqual(tutorialCells);
    await project.expectNoChanges();
    await project.destroy();
    expect(await Promise.all([here, there].map(sharedData))).toEqual(before);
  });
});
