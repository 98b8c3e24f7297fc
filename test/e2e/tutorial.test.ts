import { execFileSync } from "node:child_process";
import { parse } from "smol-toml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generationFacts, generations } from "../../core/trustee/generation.ts";
import { readDocument } from "../../core/reference-values/document.ts";
import { startSandbox, type Sandbox } from "../../sandbox/api.ts";
import {
  configMapKey,
  curl,
  initdataAnnotation,
  kbsPodCreation,
  lastChange,
  podUids,
  sharedData,
} from "./support/cluster.ts";
import { devConfiguration, Project } from "./support/project.ts";

const SECRET = "Pod 2 secret!";
const DENIED =
  'rpc status: Status { code: INTERNAL, message: "[CDH] [ERROR]: Get Resource failed", details: [], special_fields: SpecialFields { unknown_fields: UnknownFields { fields: None }, cached_size: CachedSize { size: 0 } } }';
const PODS = ["pod1", "pod2", "pod3"];
const PATHS = ["fraud-dataset/dataset_key", "p2-secret/secret", "kbsres1/key1"];

/** The nine cells as the tutorial shows them: what each pod's curl prints, the read ones by a word. */
async function nineCells(sandbox: Sandbox): Promise<string[][]> {
  const cell = async (pod: string, path: string): Promise<string> => {
    const body = await curl(sandbox, pod, path);
    return body.trim() === DENIED ? "denied" : "read";
  };
  return Promise.all(PODS.map(async (pod) => Promise.all(PATHS.map(async (path) => cell(pod, path)))));
}

const tutorialCells = [
  ["read", "denied", "read"],
  ["denied", "read", "read"],
  ["denied", "denied", "read"],
];

/** PCR8 of a running pod by the tutorial's own tools: base64, gunzip, sha256sum and xxd. */
function pcr8ByShell(annotation: string): { readonly toml: string; readonly pcr8: string } {
  const shell = (script: string, input: string): string =>
    execFileSync("bash", ["-c", script], { input }).toString("utf8");
  const toml = shell("base64 -d | gunzip", annotation);
  const hash = shell("base64 -d | gunzip | sha256sum | cut -d' ' -f1", annotation).trim();
  const pcr8 = shell("xxd -r -p | sha256sum | cut -d' ' -f1", "0".repeat(64) + hash).trim();
  return { toml, pcr8 };
}

describe.each(generations)("the tutorial on Trustee %s", (trustee) => {
  const facts = generationFacts[trustee];
  let sandbox: Sandbox;
  let project: Project;
  let before: unknown;
  let printed = "";

  beforeAll(async () => {
    sandbox = await startSandbox({ name: `e2e-tutorial-${trustee.replace(".", "-")}`, trustee });
    before = await sharedData(sandbox);
    project = new Project(sandbox, "tutorial");
    await project.init(devConfiguration());
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    await sandbox.stop();
  });

  it("shows the matrix and every PCR8 at preview, and writes nothing", async () => {
    const { exitCode, stdout, stderr } = await project.preview();
    printed += stdout + stderr;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("✓ may read");
    expect(await sharedData(sandbox)).toEqual(before);
  });

  it("comes up with the nine cells of the tutorial", async () => {
    printed += await project.up();
    expect(await nineCells(sandbox)).toEqual(tutorialCells);
    expect(await curl(sandbox, "pod2", "p2-secret/secret")).toBe(SECRET);
  });

  it("carries, in every running pod, the initdata whose PCR8 is in outputs, policy and reference values", async () => {
    const initData = (await project.outputs())["initData"] as Readonly<Record<string, string>>;
    const policy = await configMapKey(sandbox, "trusteeconfig-resource-policy", facts.policyKey);
    const text = await configMapKey(sandbox, "trusteeconfig-rvps-reference-values", facts.referenceValuesKey);
    const { entries } = readDocument(facts.referenceValuesKey, text);
    for (const pod of PODS) {
      const { toml, pcr8 } = pcr8ByShell(await initdataAnnotation(sandbox, pod));
      expect(initData[pod]).toBe(pcr8);
      expect(parse(toml)["pod_name"]).toBe(pod);
      for (const name of ["snp_pcr08", "tdx_pcr08"]) {
        expect(entries.find((entry) => entry.name === name)?.values).toContain(pcr8);
      }
      expect(policy.includes(pcr8)).toBe(pod !== "pod3");
    }
  });

  it("has nothing to change in two previews after up", async () => {
    for (const _ of [1, 2]) {
      const { exitCode, stdout, stderr } = await project.preview("--expect-no-changes");
      printed += stdout + stderr;
      expect({ exitCode, said: exitCode === 0 ? "" : stdout + stderr }).toEqual({ exitCode: 0, said: "" });
    }
  });

  it("replaces pod1 alone when pod1's log setting changes", async () => {
    const uids = await podUids(sandbox);
    const old = (await project.outputs())["initData"] as Readonly<Record<string, string>>;
    const configuration = devConfiguration();
    project.configure({
      ...configuration,
      pods: [{ name: "pod1", logs: false }, { name: "pod2" }, { name: "pod3" }],
    });
    printed += await project.up();
    const changed = await podUids(sandbox);
    expect(changed["pod1"]).not.toBe(uids["pod1"]);
    expect({ ...changed, pod1: "" }).toEqual({ ...uids, pod1: "" });
    const policy = await configMapKey(sandbox, "trusteeconfig-resource-policy", facts.policyKey);
    const values = await configMapKey(
      sandbox,
      "trusteeconfig-rvps-reference-values",
      facts.referenceValuesKey,
    );
    const digests = readDocument(facts.referenceValuesKey, values).entries.flatMap((entry) => entry.values);
    expect(policy).not.toContain(old["pod1"]);
    expect(digests).not.toContain(old["pod1"]);
    expect(await nineCells(sandbox)).toEqual(tutorialCells);
  });

  it("never shows the secret: not in what was printed, the outputs or the plain state", async () => {
    const encoded = Buffer.from(SECRET).toString("base64");
    const everything = printed + JSON.stringify(await project.outputs()) + (await project.state());
    expect(everything).not.toContain(SECRET);
    expect(everything).not.toContain(encoded);
  });

  it("leaves ConfigMaps, KbsConfig and secrets on destroy as they were before up, byte for byte", async () => {
    await project.destroy();
    expect(await sharedData(sandbox)).toEqual(before);
    expect(await podUids(sandbox)).toEqual({});
  });

  it("has Trustee see what destroy put back: its pod is younger than the last change", async () => {
    const changed = await lastChange(sandbox, "trusteeconfig-resource-policy");
    for (const created of await kbsPodCreation(sandbox)) expect(created).toBeGreaterThanOrEqual(changed);
  });
});
