import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generations } from "../../core/trustee/generation.ts";
import { startSandbox, type Sandbox } from "../../sandbox/api.ts";
import { kubeconfigOf } from "./support/account.ts";
import { kubectl, NAMESPACE, readable, sharedData, type SharedData } from "./support/cluster.ts";
import { devConfiguration, Project } from "./support/project.ts";

describe.each(generations)("accounts with the shipped Roles only, on Trustee %s", (trustee) => {
  let sandbox: Sandbox;
  let project: Project;
  let before: SharedData;

  beforeAll(async () => {
    sandbox = await startSandbox({ name: `e2e-rbac-${trustee.replace(".", "-")}`, trustee });
    await kubectl(sandbox, "apply", "-n", NAMESPACE, "-f", "rbac/trustee-side.yaml");
    await kubectl(sandbox, "apply", "-n", "default", "-f", "rbac/pod-side.yaml");
    before = await sharedData(sandbox);
    project = new Project(sandbox, "rbac");
    await project.init({
      ...devConfiguration(),
      trustee: { kubeconfig: await kubeconfigOf(sandbox, project, NAMESPACE, "trustee-access") },
      podCluster: { kubeconfig: await kubeconfigOf(sandbox, project, "default", "trustee-access-pods") },
    });
  }, 1_800_000);
  afterAll(async () => {
    await kubectl(sandbox, "apply", "-n", NAMESPACE, "-f", "rbac/trustee-side.yaml");
    await project.dispose();
    await sandbox.stop();
  });

  it("are enough for preview, up, refresh and destroy", async () => {
    expect((await project.preview()).exitCode).toBe(0);
    await project.up("--skip-preview");
    expect(await readable(sandbox, "pod2", "p2-secret/secret")).toBe(true);
    await project.succeed("refresh", "--yes", "--stack", project.stack);
    const { exitCode, stdout } = await project.preview("--expect-no-changes");
    expect({ exitCode, said: exitCode === 0 ? "" : stdout }).toEqual({ exitCode: 0, said: "" });
    await project.destroy();
    expect(await sharedData(sandbox)).toEqual(before);
  });

  it.each([
    ["kbsconfigs", "get", /get.*kbsconfigs\.confidentialcontainers\.org/],
    ["configmaps", "get", /get.*configmaps/],
    ["configmaps", "patch", /patch.*configmaps/],
    ["kbsconfigs", "patch", /patch.*kbsconfigs\.confidentialcontainers\.org/],
  ])("without the verb for %s %s: an error that names both", async (resource, verb, names) => {
    const role = JSON.parse(
      await kubectl(sandbox, "get", "role", "trustee-access", "-n", NAMESPACE, "-o", "json"),
    ) as {
      rules: { resources: string[]; verbs: string[] }[];
    };
    for (const rule of role.rules) {
      if (rule.resources.includes(resource)) rule.verbs = rule.verbs.filter((one) => one !== verb);
    }
    const file = join(project.folder, "role.json");
    writeFileSync(file, JSON.stringify(role));
    await kubectl(sandbox, "replace", "-f", file);
    const { exitCode, stdout } = await project.pulumi(
      "up",
      "--yes",
      "--skip-preview",
      "--stack",
      project.stack,
    );
    expect({ failed: exitCode !== 0 }).toEqual({ failed: true });
    expect(stdout).toMatch(names);
    await kubectl(sandbox, "apply", "-n", NAMESPACE, "-f", "rbac/trustee-side.yaml");
    await project.destroy();
    expect(await sharedData(sandbox)).toEqual(before);
  });
});
