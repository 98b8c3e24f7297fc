import { symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandbox, type CommandResult, type Sandbox } from "../../sandbox/api.ts";
import { command } from "../cli/support/run.ts";
import { kubeconfigOf } from "./support/account.ts";
import { kubectl, NAMESPACE } from "./support/cluster.ts";
import { devConfiguration, Project } from "./support/project.ts";

describe("with an account that has the shipped Roles only, and a Deployment in another namespace,", () => {
  let sandbox: Sandbox;
  let project: Project;
  let env: Readonly<Record<string, string>>;
  const run = async (...[file, ...args]: Parameters<typeof command>[2]): Promise<CommandResult> =>
    command(sandbox, file === "verify" ? "cli/verify.ts" : "cli/access.ts", [...args, "--stack", "access"], {
      cwd: project.folder,
      env,
    });

  beforeAll(async () => {
    sandbox = await startSandbox({ name: "e2e-access-roles" });
    project = new Project(sandbox, "access");
    symlinkSync(resolve("cli"), join(project.folder, "cli"));
    await kubectl(sandbox, "create", "namespace", "team-a");
    const dev = devConfiguration();
    await project.init({
      ...dev,
      pods: [{ name: "pod1" }, { name: "pod2" }, { name: "web", namespace: "team-a", kind: "Deployment" }],
      grants: [...(dev["grants"] as readonly object[]), { pod: "web", secret: "fraud-dataset" }],
    });
    await project.up();
    await kubectl(sandbox, "rollout", "status", "deployment/web", "-n", "team-a", "--timeout=60s");
    await kubectl(sandbox, "apply", "-n", NAMESPACE, "-f", "rbac/trustee-side.yaml");
    const account = ["--serviceaccount", `${NAMESPACE}:trustee-access`];
    for (const namespace of ["default", "team-a"]) {
      for (const [file, role] of [
        ["pod-side", "trustee-access-pods"],
        ["pod-side-workloads", "trustee-access-workloads"],
      ] as const) {
        await kubectl(sandbox, "apply", "-n", namespace, "-f", `rbac/${file}.yaml`);
        await kubectl(
          sandbox,
          ...["create", "rolebinding", `${role}-too`, "-n", namespace, `--role=${role}`],
          ...account,
        );
      }
    }
    env = { KUBECONFIG: await kubeconfigOf(sandbox, project, NAMESPACE, "trustee-access") };
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    await sandbox.stop();
  });

  it("verify asks a pod of the Deployment too, and says once which right would tell the reasons", async () => {
    const { exitCode, stdout } = await run("verify");
    const lines = stdout.split("\n");
    expect({ exitCode, said: lines.slice(-2, -1) }).toEqual({
      exitCode: 0,
      said: ["All 9 cells are as the stack says."],
    });
    expect(lines.at(-1)).toMatch(
      /^Why 3 of them are denied is not known: this account may not read the KBS's log; grant it get on pods\/log in namespace "trustee-operator-system" \(.*forbidden.*\)\.$/,
    );
  });

  it("lint looks into the namespaces of the stack, and says so", async () => {
    const { exitCode, stdout, stderr } = await run("access", "lint");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("No running pod in the namespaces looked at has the digest ");
    expect(stdout.split("\n").at(-1)).toMatch(
      /\(Trustee 0\.18 in trustee-operator-system, 3 pods of default, team-a; other namespaces were not looked at\)\.$/,
    );
  });

  it.each(["web", "team-a/web"])("explain finds the Deployment's pod by %s", async (name) => {
    const { stdout, stderr } = await run("access", "explain", name, "fraud-dataset/dataset_key");
    expect(stderr).toBe("");
    expect(stdout.split("\n").slice(0, 2)).toEqual([
      expect.stringMatching(/^team-a\/web-\S+ \(Deployment web\) -> fraud-dataset\/dataset_key: ALLOWED$/),
      "Because the pod attests well, and the policy grants the secret to this digest (team-a/web).",
    ]);
    expect(stdout).toContain("✓ as declared         the pod has the initdata that its stack declares");
  });
});
