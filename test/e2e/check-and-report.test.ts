import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generationFacts } from "../../core/trustee/generation.ts";
import { type CommandResult, type Sandbox } from "../../sandbox/api.ts";
import { patchKey } from "./support/cluster.ts";
import { devConfiguration, Project } from "./support/project.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

const OPEN = "package policy\n\nimport future.keywords.if\n\ndefault allow = true\n";

/** The lines of a preview that report opened and closed cells, without duplicates. */
function changeLines(printed: string): readonly string[] {
  const lines = printed.split("\n").map((line) => /(warning: OPENS|closes ) .*$/.exec(line)?.[0]);
  return [...new Set(lines.filter((line) => line !== undefined && !line.endsWith('"')))].flatMap(
    (line) => line ?? [],
  );
}

/** 0.21 reads the policy as Rego v1, and from another key than the tutorial's Trustee. */
const trustee = "0.21";

describe("check, report and previews of a deployed stack", () => {
  let sandbox: Sandbox;
  let project: Project;

  const access = async (...args: readonly string[]): Promise<CommandResult> => {
    const command = [resolve("cli/main.ts"), ...args, "--stack", project.stack];
    const options = { cwd: project.folder, env: sandbox.env, reject: false } as const;
    const { exitCode, stdout, stderr } = await execa("node", command, options);
    return { exitCode: exitCode ?? 1, stdout, stderr };
  };

  beforeAll(async () => {
    sandbox = await takeSandbox(trustee);
    project = new Project(sandbox, "check");
    await project.init(devConfiguration());
    await project.up();
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    await sandbox.stop();
  });

  it("accept the deployed policy, and the one in the cluster", async () => {
    for (const args of [[], ["--live"]]) {
      const { exitCode, stdout, stderr } = await access("check", ...args);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(stdout).toMatch(/^All [\d,]+ requests are answered as the stack's grants require\.$/m);
    }
  });

  it("reject a policy that is not the stack's, and show the smallest request", async () => {
    const file = join(project.folder, "open.rego");
    writeFileSync(file, OPEN);
    const { exitCode, stdout } = await access("check", "--policy", file);
    expect(exitCode).toBe(1);
    expect(stdout.split("\n").slice(-6)).toEqual([
      expect.stringMatching(
        /^In Rego v[01] the resource policy answers [\d,]+ requests differently from the stack's grants\. The smallest:$/,
      ),
      "  data      {}",
      "  token     {}",
      "  expected  denied: no resource",
      "  seen      allowed",
      "The policies do not match the stack's grants.",
    ]);
  });

  it("report a foreign write in the cluster at once", async () => {
    const { policyKey } = generationFacts[trustee];
    await patchKey(sandbox, "trusteeconfig-resource-policy", policyKey, OPEN);
    expect((await access("check")).exitCode).toBe(0);
    const { exitCode, stdout } = await access("check", "--live", "--json");
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      policies: [{ smallest: { request: { data: {}, token: {} }, seen: "allowed" } }],
      agents: ["pod1", "pod2", "pod3"].map((pod) => ({ pod, wrong: [] })),
    });
    await project.up();
  });

  it("warn about cells that open, and list cells that close; after up there are none", async () => {
    project.configure({
      ...devConfiguration(),
      grants: [
        { pod: "pod1", secret: "fraud-dataset" },
        { pod: "pod3", secret: "p2-secret" },
      ],
    });
    const expected = [
      "warning: OPENS   pod3 -> p2-secret/secret (was: not among its readers; will be: granted)",
      "closes  pod2 -> p2-secret/secret (was: granted; will be: not among its readers)",
    ];
    const preview = await project.previewOutputs();
    expect(changeLines(preview)).toEqual(expected);
    const output = /^ {2}~ accessChanges .*?^ {4}\]/ms.exec(preview)?.[0] ?? "";
    const cells = [...output.matchAll(/(effect|pod|secret|before|after) *: "(.*)"/g)].map(
      ([, name, value]) => `${name ?? ""}: ${value ?? ""}`,
    );
    expect(cells.sort()).toEqual([
      ...["after: granted", "after: not-a-reader", "before: granted", "before: not-a-reader"],
      ...["effect: OPENS", "effect: closes", "pod: pod2", "pod: pod3"],
      ...["secret: p2-secret/secret", "secret: p2-secret/secret"],
    ]);
    const planned = await access("check", "--preview", "--json");
    expect(planned.exitCode).toBe(0);
    expect(JSON.parse(planned.stdout)).toMatchObject({
      ok: true,
      agents: ["pod1", "pod2", "pod3"].map((pod) => ({ pod, wrong: [] })),
      otherReaders: [],
    });
    expect(changeLines(await project.upWithPreview())).toEqual(expected);
    expect((await project.outputs())["accessChanges"]).toEqual([]);
    const { exitCode, stdout } = await project.preview("--expect-no-changes");
    expect({ exitCode, lines: changeLines(stdout) }).toEqual({ exitCode: 0, lines: [] });
    expect((await access("check")).exitCode).toBe(0);
  });

  it("write the same page and picture in two runs, with the findings of lint", async () => {
    const [page, picture] = [join(project.folder, "report.html"), join(project.folder, "report.svg")];
    const write = async (): Promise<readonly string[]> => {
      const files = ["--out", page, "--svg", picture];
      const { exitCode, stdout, stderr } = await access("report", ...files, "--audit", "--at", "2026-01-01");
      expect({ exitCode, stdout, stderr }).toEqual({
        exitCode: 0,
        stdout: `Written: ${page}\nWritten: ${picture}`,
        stderr: "",
      });
      return Promise.all([page, picture].map(async (file) => readFile(file, "utf8")));
    };
    const [first, second] = [await write(), await write()];
    expect(first).toEqual(second);
    const initData = (await project.outputs())["initData"] as Readonly<Record<string, string>>;
    for (const digest of Object.values(initData)) expect(first[0]).toContain(digest);
    expect(first[0]).toContain("TA005");
    expect(first[1]).toContain("pod3 may read kbsres1/key1, p2-secret/secret.");
  });

  it("report what they cannot run, and exit with 2", async () => {
    const runs = [
      await access("check", "--live", "--policy", "x.rego"),
      await access("check", "--policy", "missing.rego"),
      await access("report"),
      await access("report", "--out", join(project.folder, "no", "such", "folder.html")),
    ];
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([2, 2, 2, 2]);
    expect(runs.map(({ stderr }) => stderr.replaceAll(project.folder, ""))).toEqual([
      "TA951 --live, --preview and --policy exclude each other. Give one of them.",
      expect.stringContaining("TA952 Cannot read missing.rego: ENOENT"),
      "TA951 Name an output: --out for a page, --svg for the picture alone, or --json.",
      expect.stringContaining("TA952 Cannot write /no/such/folder.html: ENOENT"),
    ]);
  });
});
