import { readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { type CommandResult, type Sandbox } from "../../sandbox/api.ts";
import { command } from "../cli/support/run.ts";
import { kubectl, NAMESPACE } from "../sandbox/live/support.ts";
import { kubeconfigOf } from "./support/account.ts";
import { create, patch, rolledOut } from "./support/objects.ts";
import { devConfiguration, Project } from "./support/project.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

/** The rules of a Role in a manifest, with these Secrets in `resourceNames`. */
function rulesOf(file: string, name: string, secrets: readonly string[]): readonly object[] {
  const roles = parseAllDocuments(readFileSync(file, "utf8")).map(
    (document) =>
      document.toJSON() as {
        readonly kind: string;
        readonly metadata: { readonly name: string };
        readonly rules?: readonly { readonly resources: readonly string[] }[];
      },
  );
  const rules = roles.find(({ kind, metadata }) => kind === "Role" && metadata.name === name)?.rules ?? [];
  return rules.map((rule) =>
    rule.resources.includes("secrets") ? { ...rule, resourceNames: secrets } : rule,
  );
}

describe("accounts with the shipped Roles only, for a stack with a Deployment in another namespace,", () => {
  let sandbox: Sandbox;
  let project: Project;
  let env: Readonly<Record<string, string>>;
  const run = async (...args: readonly string[]): Promise<CommandResult> =>
    command(sandbox, [...args, "--stack", "access"], { cwd: project.folder, env });

  /** Binds a Role to an account of Trustee's namespace. */
  const bind = async (namespace: string, role: string, account: string): Promise<string> =>
    create(sandbox, {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: `${account}-${role}`, namespace },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role },
      subjects: [{ kind: "ServiceAccount", name: account, namespace: NAMESPACE }],
    });

  beforeAll(async () => {
    sandbox = await takeSandbox();
    project = new Project(sandbox, "access");
    symlinkSync(resolve("cli"), join(project.folder, "cli"));
    await create(sandbox, { apiVersion: "v1", kind: "Namespace", metadata: { name: "team-a" } });
    const dev = devConfiguration();
    await project.init({
      ...dev,
      pods: [{ name: "pod1" }, { name: "pod2" }, { name: "web", namespace: "team-a", kind: "Deployment" }],
      grants: [...(dev["grants"] as readonly object[]), { pod: "web", secret: "fraud-dataset" }],
    });
    await project.up();
    await rolledOut(sandbox, "Deployment", "web", "team-a");
    await kubectl(sandbox, ["apply", "-n", NAMESPACE, "-f", "deploy/rbac/trustee-side.yaml"]);
    for (const namespace of ["default", "team-a"]) {
      for (const [file, role] of [
        ["pod-side", "trustee-access-pods"],
        ["pod-side-workloads", "trustee-access-workloads"],
      ] as const) {
        await kubectl(sandbox, ["apply", "-n", namespace, "-f", `deploy/rbac/${file}.yaml`]);
        await bind(namespace, role, "trustee-access");
      }
    }
    env = { KUBECONFIG: await kubeconfigOf(sandbox, project, NAMESPACE, "trustee-access") };
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    await sandbox.stop();
  });

  it("can verify a pod of the Deployment too; the command reports once which right the reasons need", async () => {
    const { exitCode, stdout } = await run("verify");
    const lines = stdout.split("\n");
    expect({ exitCode, printed: lines.slice(-2, -1) }).toEqual({
      exitCode: 0,
      printed: ["All 9 cells match the stack's access matrix."],
    });
    expect(lines.at(-1)).toMatch(
      /^The reason is unknown for 3 denied cells: this account may not read the KBS's log: grant it get on pods\/log in namespace "trustee-operator-system" \(.*forbidden.*\)\.$/,
    );
  });

  it("can lint the namespaces of the stack; the command reports which", async () => {
    const { exitCode, stdout, stderr } = await run("lint");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("No running pod in the checked namespaces has the digest ");
    expect(stdout.split("\n").at(-1)).toMatch(
      /\(Trustee 0\.18 in trustee-operator-system, 3 pods of default, team-a; other namespaces were not checked\)\.$/,
    );
  });

  it.each(["web", "team-a/web"])("can explain the Deployment's pod, named %s", async (name) => {
    const { stdout, stderr } = await run("explain", name, "fraud-dataset/dataset_key");
    expect(stderr).toBe("");
    expect(stdout.split("\n").slice(0, 2)).toEqual([
      expect.stringMatching(/^team-a\/web-\S+ \(Deployment web\) -> fraud-dataset\/dataset_key: ALLOWED$/),
      "Because the pod attests well, and the policy grants the secret to this digest (team-a/web).",
    ]);
    expect(stdout).toContain("✓ as declared         the pod has the initdata that its stack declares");
  });

  it("can preview and verify in CI with two accounts; only the second may exec", async () => {
    await kubectl(sandbox, ["apply", "-n", NAMESPACE, "-f", "deploy/rbac/ci-trustee-side.yaml"]);
    const names = ["trustee-tls-cert", "fraud-dataset", "p2-secret", "kbsres1", "trustee-image-policy"];
    const role = { rules: rulesOf("deploy/rbac/ci-trustee-side.yaml", "trustee-access-preview", names) };
    await patch(sandbox, "Role", "trustee-access-preview", role);
    for (const namespace of ["default", "team-a"]) {
      await kubectl(sandbox, ["apply", "-n", namespace, "-f", "deploy/rbac/ci-pod-side.yaml"]);
      for (const [account, roles] of Object.entries({
        "trustee-access-preview": ["trustee-access-preview"],
        "trustee-access-watch": ["trustee-access-preview", "trustee-access-watch"],
      }))
        for (const name of roles) await bind(namespace, name, account);
    }
    const as = async (account: string): Promise<Readonly<Record<string, string>>> => ({
      KUBECONFIG: await kubeconfigOf(sandbox, project, NAMESPACE, account),
    });
    const ask = async (account: string, name: "diff" | "verify"): Promise<CommandResult> =>
      command(sandbox, [name, "--stack", "access"], { cwd: project.folder, env: await as(account) });
    for (const account of ["trustee-access-preview", "trustee-access-watch"]) {
      const { exitCode, stdout, stderr } = await ask(account, "diff");
      expect({ exitCode, stdout, stderr }).toEqual({
        exitCode: 0,
        stdout: "No access changes.",
        stderr: "",
      });
    }
    const watched = await ask("trustee-access-watch", "verify");
    expect({ exitCode: watched.exitCode, printed: watched.stdout.split("\n").at(-1) }).toEqual({
      exitCode: 0,
      printed: "All 9 cells match the stack's access matrix.",
    });
    expect((await ask("trustee-access-preview", "verify")).exitCode).not.toBe(0);
  });
});
