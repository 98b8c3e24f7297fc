import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, test } from "vitest";
import { startSandbox, type Sandbox } from "../../../sandbox/api.ts";
import { repositoryFolder } from "../../../sandbox/state/folders.ts";
import { api, NAMESPACE } from "../../e2e/support/api.ts";
import { sharedData } from "../../e2e/support/cluster.ts";
import { field, read } from "../../e2e/support/objects.ts";
import { BUILD_TIMEOUT, ownHome } from "./support.ts";

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
  const { kbsSecretResources } = (await sharedData(sandbox)).kbsConfig;
  const { exitCode, stdout, stderr } = await command("upgrade", "--stock");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain('The sandbox "old" has been upgraded.\n  Trustee            0.21\n');
  const { configMaps, kbsConfig } = await sharedData(sandbox);
  const values = configMaps["trusteeconfig-rvps-reference-values"]?.data;
  expect(values).toEqual({ reference_value: "{\n}\n" });
  const policy = configMaps["trusteeconfig-resource-policy"]?.data ?? {};
  expect(Object.keys(policy)).toEqual(["resource-policy.rego"]);
  expect(kbsConfig["kbsSecretResources"]).toEqual(kbsSecretResources);
  expect(kbsConfig["tdxConfigSpec"]).toBe(undefined);
  const routes = await api(sandbox).list("Route", NAMESPACE);
  expect(routes.map(({ metadata }) => metadata.name)).toEqual(["kbs-route"]);
  const deployment = await read(sandbox, "Deployment", "trustee-deployment");
  const annotations = field(deployment, "spec", "template", "metadata", "annotations");
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
