import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Sandbox } from "../../sandbox/api.ts";
import { closedPort } from "../support/closed-port.ts";
import { sharedData } from "./support/cluster.ts";
import { patch } from "./support/objects.ts";
import { devConfiguration, encryptedValue, Project, type Configuration } from "./support/project.ts";
import { backendFiles, leaks, plantedValue } from "./support/secrecy.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

let sandbox: Sandbox;
/** Starts processes of its own for each command, as a user's does. */
let apart: Project;
let project: Project;
let before: unknown;
beforeAll(async () => {
  sandbox = await takeSandbox();
  before = await sharedData(sandbox);
  apart = new Project(sandbox, "refusals", { cold: true });
  project = new Project(sandbox, apart.stack);
  await project.init(devConfiguration());
}, 1_800_000);
afterAll(async () => {
  await apart.dispose();
  await project.dispose();
  await sandbox.stop();
});

/** The output of `pulumi up --skip-preview` with these settings; it must fail and write nothing. */
async function refusal(change: Configuration): Promise<string> {
  project.configure({ ...devConfiguration(), ...change });
  const { exitCode, stdout, stderr } = await project.pulumi(
    "up",
    "--yes",
    "--skip-preview",
    "--stack",
    project.stack,
  );
  expect({ failed: exitCode !== 0, printed: exitCode === 0 ? stdout : "" }).toEqual({
    failed: true,
    printed: "",
  });
  expect(await sharedData(sandbox)).toEqual(before);
  return stdout + stderr;
}

/** A kubeconfig for an unreachable cluster. */
async function unreachableKubeconfig(): Promise<string> {
  const file = join(project.folder, "unreachable.yaml");
  const cluster = { name: "gone", cluster: { server: `https://127.0.0.1:${await closedPort()}` } };
  const context = { name: "gone", context: { cluster: "gone", user: "gone" } };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [cluster],
    contexts: [context],
    users: [{ name: "gone", user: {} }],
  };
  writeFileSync(file, JSON.stringify({ ...config, "current-context": "gone" }));
  return file;
}

describe("a process that serves many commands, as in most end-to-end tests,", () => {
  it.each<readonly [what: string, change: Configuration]>([
    ["a first up", {}],
    ["settings with problems", { grants: [{ pod: "pod9", secret: "p2-secret" }] }],
    ["a secret that is missing", { secrets: [{ name: "absent", keys: ["a"] }] }],
  ])("prints the same as separate processes for a preview of %s", async (_, change) => {
    // Without progress and repeated lines: the Automation API's server prints a program's error twice.
    const printed = async (each: Project): Promise<object> => {
      each.configure({ ...devConfiguration(), ...change });
      const { exitCode, stdout, stderr } = await each.preview("--diff");
      const lines = (stdout + stderr).split("\n").filter((line) => !/^@ |^Duration: /.test(line));
      return { exitCode, lines: [...new Set(lines)].sort() };
    };
    expect(await printed(project)).toEqual(await printed(apart));
  });
});

describe("an up that fails and writes nothing", () => {
  it("rejects invalid settings, with all problems in one error and each with its path", async () => {
    const printed = await refusal({
      pods: [{ name: "pod1" }, { name: "pod2", algorithm: "sha384" }, { name: "pod2" }, { name: "bad_name" }],
      grants: [{ pod: "pod9", secret: "p2-secret" }],
    });
    for (const place of [
      "TA614 pods[1].algorithm",
      "TA606 pods[2].name",
      "TA603 pods[3].name",
      "TA607 grants[0].pod",
    ])
      expect(printed).toContain(`- ${place}:`);
    expect(printed).toContain("4 problems in the settings of stack refusals; nothing was changed.");
    expect(printed).not.toMatch(/^\s+at /m);
  });

  it("rejects an encrypted setting other than a secret's value, and the content of a kubeconfig, without showing them", async () => {
    const kubeconfig = readFileSync(sandbox.kubeconfig, "utf8");
    const [, key = ""] = /client-key-data: (\S+)/.exec(kubeconfig) ?? [];
    const planted = [plantedValue("env"), key, Buffer.from(key, "base64").toString("utf8")];
    // Written by pulumi itself.
    const path = ["--secret", "--path", "--stack", project.stack];
    project.configure(devConfiguration());
    await project.succeed(
      "config",
      "set",
      ...path,
      "trustee-access:podDefaults.env.PASSWORD",
      planted[0] ?? "",
    );
    await project.succeed("config", "set", ...path, "trustee-access:trustee.kubeconfig", kubeconfig);
    const texts: Record<string, string> = {};
    for (const flags of [[], ["--diff"], ["--json"]]) {
      const { exitCode, stdout, stderr } = await project.preview(...flags);
      expect(exitCode).not.toBe(0);
      expect(stdout + stderr).toContain("TA612 podDefaults: a value that Pulumi holds encrypted");
      expect(stdout + stderr).toContain("TA612 trustee: a value that Pulumi holds encrypted");
      texts[flags.join()] = stdout + stderr;
    }
    const stored = { ...texts, state: await project.state(), ...backendFiles(project.env) };
    // Pulumi puts plain-text settings into its history before it runs a program.
    const open = await refusal({ trustee: { kubeconfig } });
    expect(open).toContain("TA602 trustee.kubeconfig: the content of a kubeconfig");
    for (const value of planted) expect(leaks(value, { ...stored, open })).toEqual([]);
  });

  it("rejects two pods with the same initdata from two files", async () => {
    const same = (name: string): Configuration => {
      writeFileSync(
        join(project.folder, `${name}.toml`),
        'algorithm = "sha256"\nversion = "0.1.0"\n[data]\n',
      );
      return { name, initdataFile: `${name}.toml` };
    };
    const printed = await refusal({ pods: [same("pod1"), same("pod2")] });
    expect(printed).toContain("TA704 pods[1]: the same initdata as pod1");
  });

  it("rejects a missing secret and a foreign secret in place of one to create, in one error", async () => {
    const printed = await refusal({
      secrets: [
        { name: "nobody-made-it", keys: ["key"] },
        { name: "fraud-dataset", keys: ["dataset_key"] },
        { name: "p2-secret", keys: ["secret"], from: "setting" },
        { name: "kbsres1", keys: ["key1"], from: "setting" },
      ],
      secretValues: { "p2-secret": { secret: encryptedValue() }, kbsres1: { key1: encryptedValue() } },
    });
    expect(printed).toContain("nobody-made-it");
    expect(printed).toMatch(/kbsres1/);
    expect(printed).toContain("2 problems");
  });

  it("rejects unencrypted secret values, and values other than text, without showing them", async () => {
    const printed = await refusal({ secretValues: { "p2-secret": { secret: "in the open" } } });
    expect(printed).toContain('TA613 secretValues: plain-text values of "p2-secret"');
    expect(printed).toContain(
      `pulumi config set --secret --path 'trustee-access:secretValues["p2-secret"]["secret"]' < FILE`,
    );
    expect(printed).not.toContain('in the open"');
    const shapes = await refusal({
      secretValues: { "p2-secret": { secret: { in: "the open" } }, other: [encryptedValue()] },
    });
    expect(shapes).toContain("TA602 secretValues.p2-secret.secret: a value that is of type object");
    expect(shapes).toContain("TA602 secretValues.other: a value that is a list");
    expect(shapes).not.toContain("the open");
  });

  it("rejects an unreachable cluster", async () => {
    const printed = await refusal({ trustee: { kubeconfig: await unreachableKubeconfig() } });
    expect(printed).toMatch(/ECONNREFUSED|cannot be reached|Check the kubeconfig/);
    expect(printed).not.toMatch(/^\s+at /m);
  });

  it("rejects a context that the kubeconfig does not have", async () => {
    expect(await refusal({ trustee: { context: "elsewhere" } })).toContain('no context "elsewhere"');
  });

  it("rejects a missing Trustee, with a list of all missing objects", async () => {
    const printed = await refusal({ trustee: { namespace: "default" } });
    for (const name of [
      "trusteeconfig-kbs-config",
      "trusteeconfig-resource-policy",
      "trusteeconfig-rvps-reference-values",
    ]) {
      expect(printed).toContain(name);
    }
  });

  it("rejects pods whose namespace or RuntimeClass does not exist", async () => {
    const printed = await refusal({
      pods: [
        { name: "pod1", namespace: "nowhere", kind: "Deployment" },
        { name: "pod2", runtimeClassName: "kata-qemu-snp" },
      ],
      grants: [],
    });
    expect(printed).toContain("2 problems in the settings of stack refusals; nothing was changed.");
    expect(printed).toContain(
      `- TA804 pods[0].namespace: "nowhere" (nowhere/pod1), a namespace that does not exist in the pods' cluster`,
    );
    expect(printed).toContain(
      `- TA804 pods[1].runtimeClassName: "kata-qemu-snp" (pod2), a RuntimeClass that does not exist in the pods' cluster`,
    );
    expect(printed).toContain("allowed: kata-remote\n");
  });

  it("rejects reference values that Trustee cannot read", async () => {
    const write = async (data: Readonly<Record<string, string>>): Promise<void> =>
      patch(sandbox, "ConfigMap", "trusteeconfig-rvps-reference-values", { data });
    const original = before as { configMaps: Record<string, { data: Record<string, string> }> };
    const data = original.configMaps["trusteeconfig-rvps-reference-values"]?.data ?? {};
    await write({ "reference-values.json": "[{" });
    const whole = before;
    before = await sharedData(sandbox);
    try {
      expect(await refusal({})).toContain("it is not JSON");
    } finally {
      await write(data);
      before = whole;
    }
  });
});
