import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, test } from "vitest";
import { startSandbox, type Sandbox } from "../../../sandbox/api.ts";
import { repositoryFolder } from "../../../sandbox/state/folders.ts";
import { BUILD_TIMEOUT, get, inTrustee, ownHome } from "./support.ts";

let sandbox: Sandbox;

beforeAll(async () => {
  const cleanUp = await ownHome();
  sandbox = await startSandbox({ name: "old" });
  return cleanUp;
}, BUILD_TIMEOUT);

const command = (...args: readonly string[]) =>
  execa(process.execPath, [join(repositoryFolder, "sandbox", "main.ts"), ...args, "--name", "old"], {
    reject: false,
  });

test("upgrades Trustee from 0.18 to 0.21; --stock resets policy and reference values", async () => {
  const list = await get(sandbox, "kbsconfig", "trusteeconfig-kbs-config", ".spec.kbsSecretResources");
  const { exitCode, stdout, stderr } = await command("upgrade", "--stock");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain('The sandbox "old" has been upgraded.\n  Trustee            0.21\n');
  const data = async (name: string): Promise<Readonly<Record<string, string>>> =>
    JSON.parse(await get(sandbox, "configmap", name, ".data")) as Readonly<Record<string, string>>;
  expect(await data("trusteeconfig-rvps-reference-values")).toEqual({ reference_value: "{\n}\n" });
  expect(Object.keys(await data("trusteeconfig-resource-policy"))).toEqual(["resource-policy.rego"]);
  expect(await get(sandbox, "kbsconfig", "trusteeconfig-kbs-config", ".spec.kbsSecretResources")).toBe(list);
  expect(await get(sandbox, "kbsconfig", "trusteeconfig-kbs-config", ".spec.tdxConfigSpec")).toBe("");
  expect(await inTrustee(sandbox, "get routes -o name")).toBe("route.route.openshift.io/kbs-route");
  const annotations = await get(
    sandbox,
    "deployment",
    "trustee-deployment",
    ".spec.template.metadata.annotations",
  );
  expect(Object.keys(JSON.parse(annotations) as object)).toEqual([
    "kbs.confidentialcontainers.org/configmap-versions",
  ]);
});

test("rejects the upgrade of a sandbox with 0.21", async () => {
  const { exitCode, stderr } = await command("upgrade");
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: 'The sandbox "old" runs with Trustee 0.21 already.',
  });
});
