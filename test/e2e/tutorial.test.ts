import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generationFacts, generations } from "../../core/trustee/generation.ts";
import { readDocument } from "../../core/reference-values/document.ts";
import type { Sandbox } from "../../sandbox/api.ts";
import { command } from "../cli/support/run.ts";
import {
  configMapKey,
  curl,
  initdataAnnotation,
  kbsPodCreation,
  lastChange,
  podUids,
  sharedData,
  trustedCertificate,
} from "./support/cluster.ts";
import { runningInitdata, tutorialInitdata } from "./support/initdata.ts";
import { field, read } from "./support/objects.ts";
import { devConfiguration, Project } from "./support/project.ts";
import { backendFiles, filesIn, leaks, withoutExchanges } from "./support/secrecy.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

const SECRET = "Pod 2 secret!";
const DENIED =
  'rpc status: Status { code: INTERNAL, message: "[CDH] [ERROR]: Get Resource failed", details: [], special_fields: SpecialFields { unknown_fields: UnknownFields { fields: None }, cached_size: CachedSize { size: 0 } } }';
const PODS = ["pod1", "pod2", "pod3"];
const PATHS = ["fraud-dataset/dataset_key", "p2-secret/secret", "kbsres1/key1"];

/** The nine cells as the tutorial shows them: the output of each pod's curl, with a word for a read secret. */
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

/** PCR8 of a running pod by the tutorial's tools: base64, gunzip, sha256sum and xxd. */
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
  /** The output of each pulumi command. */
  const printed: Record<string, string> = {};

  beforeAll(async () => {
    sandbox = await takeSandbox(trustee);
    before = await sharedData(sandbox);
    project = new Project(sandbox, "tutorial", { cold: trustee === "0.18" });
    await project.init(devConfiguration());
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    await sandbox.stop();
  });

  it("shows the matrix and every PCR8 at preview, and writes nothing", async () => {
    const { exitCode, stdout, stderr } = await project.preview();
    printed["preview"] = stdout + stderr;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("✓ may read");
    expect(await sharedData(sandbox)).toEqual(before);
  });

  it("prints more details, or pulumi's full log, on request", async () => {
    for (const flags of [["--diff"], ["--json"], ["--logtostderr", "-v=9"]]) {
      const { exitCode, stdout, stderr } = await project.preview(...flags);
      expect(exitCode, stderr).toBe(0);
      expect(stdout).toContain("p2-secret");
      printed[`preview ${flags.join(" ")}`] = stdout + withoutExchanges(stderr);
    }
  });

  it("has the nine cells of the tutorial after up", async () => {
    printed["up"] = await project.upWithPreview();
    expect(await nineCells(sandbox)).toEqual(tutorialCells);
    expect(await curl(sandbox, "pod2", "p2-secret/secret")).toBe(SECRET);
  });

  it("runs every pod with the initdata of the tutorial", async () => {
    const host = `https://${field(await read(sandbox, "Route", facts.route), "spec", "host")}`;
    const certificate = await trustedCertificate(sandbox);
    for (const pod of PODS) {
      const { toml } = pcr8ByShell(await initdataAnnotation(sandbox, pod));
      expect(runningInitdata(toml)).toEqual(tutorialInitdata(pod, host, certificate));
    }
  });

  it("runs every pod with the initdata whose PCR8 is in outputs, policy and reference values", async () => {
    const initData = (await project.outputs())["initData"] as Readonly<Record<string, string>>;
    const policy = await configMapKey(sandbox, "trusteeconfig-resource-policy", facts.policyKey);
    const text = await configMapKey(sandbox, "trusteeconfig-rvps-reference-values", facts.referenceValuesKey);
    const { entries } = readDocument(facts.referenceValuesKey, text);
    for (const pod of PODS) {
      const { pcr8 } = pcr8ByShell(await initdataAnnotation(sandbox, pod));
      expect(initData[pod]).toBe(pcr8);
      for (const name of ["snp_pcr08", "tdx_pcr08"]) {
        expect(entries.find((entry) => entry.name === name)?.values).toContain(pcr8);
      }
      expect(policy.includes(pcr8)).toBe(pod !== "pod3");
    }
  });

  it("has no changes in two previews after up", async () => {
    for (const _ of [1, 2]) await project.expectNoChanges();
  });

  it("replaces only pod1 when pod1's log setting changes", async () => {
    const uids = await podUids(sandbox);
    const old = (await project.outputs())["initData"] as Readonly<Record<string, string>>;
    const configuration = devConfiguration();
    project.configure({
      ...configuration,
      pods: [{ name: "pod1", logs: false }, { name: "pod2" }, { name: "pod3" }],
    });
    printed["second up"] = await project.upWithPreview();
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

  it("prints only expected output in every command", async () => {
    const out = mkdtempSync(join(tmpdir(), "trustee-access-out-"));
    const of = ["--stack", project.stack];
    const to = (file: string): string => join(out, file);
    // Their texts and JSON do not depend on the generation: one of them on each.
    const commands: readonly (readonly string[])[] = [
      ...(trustee === "0.18"
        ? [
            ["verify", ...of],
            ["diff", ...of, "--markdown", to("access.md")],
            ["check", ...of, "--preview"],
            ["lint", ...of, "--sarif", to("lint.sarif"), "--junit", to("lint.xml")],
            ["explain", "pod1", "p2-secret/secret", ...of],
          ]
        : [
            ["verify", ...of, "--json", "--junit", to("verify.xml")],
            ["diff", ...of, "--json"],
            ["check", ...of, "--json"],
            ["lint", ...of, "--json"],
            ["explain", "pod2", "p2-secret/secret", ...of, "--json"],
          ]),
      ["report", ...of, "--audit", "--out", to("report.html"), "--svg", to("report.svg")],
      ["report", ...of, "--json"],
    ];
    for (const args of commands) {
      const { stdout, stderr } = await command(sandbox, args, { cwd: project.folder });
      expect(stdout + stderr).not.toContain("unknown option");
      printed[args.join(" ").replaceAll(out, "")] = stdout + stderr;
    }
    const files = filesIn(out);
    const report = ["report.html", "report.svg"];
    expect(Object.keys(files).sort()).toEqual(
      trustee === "0.18" ? ["access.md", "lint.sarif", "lint.xml", ...report] : [...report, "verify.xml"],
    );
    Object.assign(printed, files, filesIn(project.folder));
    rmSync(out, { recursive: true });
  });

  it("restores ConfigMaps, KbsConfig and secrets on destroy as they were before up, byte for byte", async () => {
    const shown = await project.pulumi("stack", "export", "--show-secrets", "--stack", project.stack);
    expect(leaks(SECRET, { shown: shown.stdout })).toEqual(["shown"]);
    const stored = { "stack output": JSON.stringify(await project.outputs()), state: await project.state() };
    Object.assign(printed, stored, backendFiles(project.env), {
      destroy: await project.destroyWithPreview(),
    });
    expect(await sharedData(sandbox)).toEqual(before);
    expect(await podUids(sandbox)).toEqual({});
  });

  it("has neither printed the secret nor stored it unencrypted", () => {
    const files = backendFiles(project.env);
    const state = ".pulumi/stacks/trustee-access/tutorial.json";
    expect(Object.keys(printed)).toContain(state);
    expect(Object.keys(files)).toContain(state);
    expect([...leaks(SECRET, printed), ...leaks(SECRET, files)]).toEqual([]);
  });

  it("restarts Trustee after the last change of destroy, so that the KBS reads the restored content", async () => {
    const changed = await lastChange(sandbox, "trusteeconfig-resource-policy");
    for (const created of await kbsPodCreation(sandbox)) expect(created).toBeGreaterThanOrEqual(changed);
  });
});
