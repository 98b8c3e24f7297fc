import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readDocument } from "../../core/reference-values/document.ts";
import type { Sandbox } from "../../sandbox/api.ts";
import {
  cells,
  configMapKey,
  initdataAnnotation,
  podUids,
  sharedData,
  tutorialCells,
} from "./support/cluster.ts";
import { devConfiguration, Project, type Configuration } from "./support/project.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

const PODS = ["pod1", "pod2", "pod3"] as const;

/** Runs a script in the sandbox's environment. */
function bash(sandbox: Sandbox, script: string, cwd: string): string {
  return execFileSync("bash", ["-c", script], { cwd, env: { ...process.env, ...sandbox.env } }).toString(
    "utf8",
  );
}

const doc = readFileSync("docs/adopt.md", "utf8");

/** The only block of docs/adopt.md in this language. */
function block(language: string): string {
  const [, found = "", ...more] = doc.split(`\n\`\`\`${language}\n`);
  expect(more).toEqual([]);
  return found.split("\n```\n")[0] ?? "";
}

/** The settings in docs/adopt.md. */
function adopting(): Configuration {
  const { config } = parse(block("yaml")) as { readonly config: Configuration };
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [name.replace("trustee-access:", ""), value]),
  );
}

/** The entries of the reference values. */
async function entries(sandbox: Sandbox): Promise<unknown> {
  const text = await configMapKey(sandbox, "trusteeconfig-rvps-reference-values", "reference-values.json");
  return readDocument("reference-values.json", text).entries.map(({ name, values }) => ({ name, values }));
}

describe("an adoption of the tutorial's hand-made objects, with duplicate reference values,", () => {
  const folder = mkdtempSync(join(tmpdir(), "trustee-access-by-hand-"));
  let sandbox: Sandbox;
  let project: Project;
  let uids: Readonly<Record<string, string>>;
  let annotations: readonly string[];
  let values: unknown;
  let byHand: unknown;

  beforeAll(async () => {
    sandbox = await takeSandbox();
    bash(sandbox, `${resolve("test/fixtures/tutorial-by-hand.sh")} again`, folder);
    uids = await podUids(sandbox);
    annotations = await Promise.all(PODS.map((pod) => initdataAnnotation(sandbox, pod)));
    values = await entries(sandbox);
    byHand = await sharedData(sandbox);
    project = new Project(sandbox, "adopt");
    bash(sandbox, block("console").replace(/^\$ /, ""), project.folder);
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    await sandbox.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("extracts the initdata from the running pods, byte for byte, with the documented loop", () => {
    for (const pod of PODS) {
      const [written, recovered] = [folder, project.folder].map((from) =>
        readFileSync(join(from, `initdata-${pod}.toml`), "utf8"),
      );
      expect(recovered).toBe(written);
    }
  });

  it("is refused for pods without the setting, and for pods with other initdata", async () => {
    const pods = [{ name: "pod1", adopt: false }, { name: "pod2" }, { name: "pod4" }];
    await project.init({ ...adopting(), pods, grants: [] });
    const { exitCode, stdout, stderr } = await project.pulumi(
      "up",
      "--yes",
      "--skip-preview",
      "--stack",
      "adopt",
    );
    expect(exitCode).not.toBe(0);
    const printed = stdout + stderr;
    expect(printed).toContain("2 problems in the settings of stack adopt; nothing was changed.");
    expect(printed).toContain(
      '- TA806 pods[0].adopt: nothing, and Pod "pod1" in namespace "default" exists already',
    );
    expect(printed).toContain(
      '- TA808 pods[1].adopt: Pod "pod2" in namespace "default", which runs with other initdata',
    );
    expect(await sharedData(sandbox)).toEqual(byHand);
  });

  it("keeps the pods, their PCR8s and all digests, and reports duplicate digests", async () => {
    project.configure(adopting());
    const preview = await project.preview();
    expect({ exitCode: preview.exitCode, stderr: preview.stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(preview.stdout).toContain("the entry snp_pcr08 holds 3 values more than once");
    const printed = await project.upWithPreview();
    expect(printed).toContain("the entry tdx_pcr08 holds 3 values more than once");
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
    expect(await cells(sandbox)).toEqual(tutorialCells);
  });

  it("makes the stack the owner: another stack that declares one of the pods is rejected, and changes none", async () => {
    const intruder = new Project(sandbox, "intruder");
    try {
      const dev = devConfiguration();
      await intruder.init({ podDefaults: dev["podDefaults"] ?? {}, pods: [{ name: "pod1" }] });
      const theirs = await sharedData(sandbox);
      const up = await intruder.pulumi("up", "--yes", "--skip-preview", "--stack", intruder.stack);
      expect(up.stdout + up.stderr).toMatch(
        /- TA806 pods\[0\]\.adopt: nothing, and Pod "pod1" in namespace "default" exists already and belongs to the stack organization\/trustee-access\/adopt/,
      );
      expect(up.exitCode).not.toBe(0);
      await intruder.destroy();
      expect(await sharedData(sandbox)).toEqual(theirs);
      expect(await podUids(sandbox)).toEqual(uids);
      expect(await Promise.all(PODS.map((pod) => initdataAnnotation(sandbox, pod)))).toEqual(annotations);
    } finally {
      await intruder.dispose();
    }
  });

  it("is followed by a preview without changes, even without the setting", async () => {
    const { exitCode: first } = await project.preview("--expect-no-changes");
    expect(first).toBe(0);
    const pods = PODS.map((name) => ({ name, initdataFile: `initdata-${name}.toml` }));
    const { podDefaults, ...rest } = adopting();
    const { adopt: _, ...defaults } = podDefaults as Configuration;
    project.configure({ ...rest, podDefaults: defaults, pods });
    const { exitCode, stdout, stderr } = await project.preview("--expect-no-changes");
    expect({ exitCode, printed: exitCode === 0 ? "" : stdout + stderr }).toEqual({
      exitCode: 0,
      printed: "",
    });
  });

  it("ends with destroy, which restores the hand-made content and deletes the pods", async () => {
    await project.destroy();
    expect(await sharedData(sandbox)).toEqual(byHand);
    expect(await podUids(sandbox)).toEqual({});
    expect(Object.keys((await sharedData(sandbox)).secrets)).toContain("p2-secret");
  });
});
