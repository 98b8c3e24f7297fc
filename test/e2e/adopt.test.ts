import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readDocument } from "../../core/reference-values/document.ts";
import { startSandbox, type Sandbox } from "../../sandbox/api.ts";
import {
  configMapKey,
  initdataAnnotation,
  kubectl,
  NAMESPACE,
  podUids,
  sharedData,
} from "./support/cluster.ts";
import { devConfiguration, Project, type Configuration } from "./support/project.ts";

const PODS = ["pod1", "pod2", "pod3"] as const;

/** Runs in the sandbox's environment. */
function bash(sandbox: Sandbox, script: string, cwd: string): string {
  return execFileSync("bash", ["-c", script], { cwd, env: { ...process.env, ...sandbox.env } }).toString(
    "utf8",
  );
}

/** The settings of docs/adopt.md. */
function adopting(): Configuration {
  const { secretValues: _, ...dev } = devConfiguration();
  return {
    ...dev,
    secrets: [
      { name: "fraud-dataset", keys: ["dataset_key"] },
      { name: "p2-secret", keys: ["secret"] },
      { name: "kbsres1", keys: ["key1"] },
    ],
    pods: PODS.map((name) => ({ name, initdataFile: `initdata-${name}.toml`, adopt: true })),
  };
}

/** The entries of the reference values, whole. */
async function entries(sandbox: Sandbox): Promise<unknown> {
  const text = await configMapKey(sandbox, "trusteeconfig-rvps-reference-values", "reference-values.json");
  return readDocument("reference-values.json", text).entries.map(({ name, values }) => ({ name, values }));
}

describe("a cluster where the tutorial was done by hand, its reference values twice", () => {
  const folder = mkdtempSync(join(tmpdir(), "trustee-access-by-hand-"));
  let sandbox: Sandbox;
  let project: Project;
  let uids: Readonly<Record<string, string>>;
  let annotations: readonly string[];
  let values: unknown;
  let byHand: unknown;

  beforeAll(async () => {
    sandbox = await startSandbox({ name: "e2e-adopt" });
    bash(sandbox, `${resolve("test/fixtures/tutorial-by-hand.sh")} again`, folder);
    uids = await podUids(sandbox);
    annotations = await Promise.all(PODS.map((pod) => initdataAnnotation(sandbox, pod)));
    values = await entries(sandbox);
    byHand = await sharedData(sandbox);
    project = new Project(sandbox, "adopt");
    for (const pod of PODS) {
      copyFileSync(join(folder, `initdata-${pod}.toml`), join(project.folder, `initdata-${pod}.toml`));
    }
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    await sandbox.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("refuses to take over pods that it was not told to, and pods with other initdata", async () => {
    const pods = [{ name: "pod1" }, { name: "pod2", adopt: true }, { name: "pod4", adopt: true }];
    await project.init({ ...adopting(), pods, grants: [] });
    const { exitCode, stdout, stderr } = await project.pulumi(
      "up",
      "--yes",
      "--skip-preview",
      "--stack",
      "adopt",
    );
    expect(exitCode).not.toBe(0);
    const said = stdout + stderr;
    expect(said).toContain("2 problems in the settings of stack adopt; nothing was changed.");
    expect(said).toContain('pods[0].adopt: nothing, and Pod "pod1" in namespace "default" exists already');
    expect(said).toContain(
      'pods[1].adopt: Pod "pod2" in namespace "default", which runs with other initdata',
    );
    expect(await sharedData(sandbox)).toEqual(byHand);
  });

  it("adopts: same PCR8s, the pods go on, no digest is added, the doubled ones are told", async () => {
    project.configure(adopting());
    const preview = await project.preview();
    expect({ exitCode: preview.exitCode, stderr: preview.stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(preview.stdout).toContain("the entry snp_pcr08 holds 3 values more than once");
    const said = await project.up();
    expect(said).toContain("the entry tdx_pcr08 holds 3 values more than once");
    expect(await podUids(sandbox)).toEqual(uids);
    expect(await Promise.all(PODS.map((pod) => initdataAnnotation(sandbox, pod)))).toEqual(annotations);
    expect(await entries(sandbox)).toEqual(values);
    const { initData, matrix } = await project.outputs();
    const shell = PODS.map((pod) => [
      pod,
      bash(
        sandbox,
        `echo -n "${"0".repeat(64)}$(sha256sum initdata-${pod}.toml | cut -d' ' -f1)" | xxd -r -p | sha256sum | cut -d' ' -f1`,
        folder,
      ).trim(),
    ]);
    expect(initData).toEqual(Object.fromEntries(shell));
    expect(matrix).toEqual([
      "      fraud-dataset/dataset_key  p2-secret/secret  kbsres1/key1",
      "pod1  ✓ may read                 ✗ denied          ✓ may read",
      "pod2  ✗ denied                   ✓ may read        ✓ may read",
      "pod3  ✗ denied                   ✗ denied          ✓ may read",
    ]);
  });

  it("has nothing to change afterwards, also without being told to adopt", async () => {
    const { exitCode: first } = await project.preview("--expect-no-changes");
    expect(first).toBe(0);
    const pods = PODS.map((name) => ({ name, initdataFile: `initdata-${name}.toml` }));
    project.configure({ ...adopting(), pods });
    const { exitCode, stdout, stderr } = await project.preview("--expect-no-changes");
    expect({ exitCode, said: exitCode === 0 ? "" : stdout + stderr }).toEqual({ exitCode: 0, said: "" });
  });

  it("gives back what was made by hand, the pods excepted, which are its own by then", async () => {
    await project.destroy();
    expect(await sharedData(sandbox)).toEqual(byHand);
    expect(await podUids(sandbox)).toEqual({});
    expect(await kubectl(sandbox, "get", "secret", "p2-secret", "-n", NAMESPACE, "-o", "name")).toBe(
      "secret/p2-secret\n",
    );
  });
});
