import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { filesIn, leaks, plantedValue, type Texts } from "../e2e/support/secrecy.ts";
import { github, gitlab } from "./support/workflows.ts";
import { temporaryFolder } from "../support/folders.ts";

const SECRET = plantedValue("ci");

describe("the search for a planted value", () => {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  it.each([
    ["in plain text", `x ${SECRET} x`],
    ["in base64", base64(SECRET)],
    ["inside a longer base64 text", base64(`{"k":"${SECRET}"}`)],
    ["in base64 of JSON", base64(JSON.stringify({ key: [SECRET] }))],
    ["in base64 for URLs", Buffer.from(`a${SECRET}`).toString("base64url")],
    ["in JSON", JSON.stringify({ data: SECRET })],
    ["in JSON within JSON", JSON.stringify({ message: JSON.stringify({ data: SECRET }) })],
    ["in hexadecimal", Buffer.from(SECRET).toString("hex")],
    ["in a URL", `https://x/?q=${encodeURIComponent(SECRET)}`],
    ["compressed in an annotation", `cc_init_data: ${gzipSync(`key = '''${SECRET}'''`).toString("base64")}`],
  ])("finds it %s", (_, text) => {
    expect(leaks(SECRET, { text, other: "planted" })).toEqual(["text"]);
  });
});

const diagnostic = (severity: string, message: string): object => ({
  diagnosticEvent: { severity, message: `<{%reset%}>${message}<{%reset%}>\n`, prefix: "", color: "never" },
});
const stackEvent = (outputs: object): object => ({
  resOutputsEvent: { metadata: { type: "pulumi:pulumi:Stack", op: "same", old: null, new: { outputs } } },
});
const data = { password: Buffer.from(SECRET).toString("base64") };
/** What pulumi always streams: every debug message, with the values that the program registers. */
const debug = [
  diagnostic(
    "debug",
    `RegisterResource RPC prepared: t=kubernetes:core/v1:Secret, obj=${JSON.stringify({ data })}`,
  ),
  diagnostic("debug", `Marshaling property for RPC: ${JSON.stringify({ value: SECRET })}`),
  {
    resOutputsEvent: {
      metadata: { type: "kubernetes:core/v1:Secret", op: "create", old: null, new: { outputs: { data } } },
    },
  },
  diagnostic("info#err", SECRET),
];
const access = { pod1: { "db/k": "granted" } };
const succeeding = [...debug, stackEvent({ access }), { summaryEvent: { resourceChanges: {} } }];
const failing = [
  ...debug,
  diagnostic("error", "resource pod1 was refused: metadata.labels: Invalid value"),
  stackEvent({ access }),
];

interface Job {
  readonly exitCode: number | undefined;
  /** The job's output and files. */
  readonly left: Texts;
}

/**
 * Runs a workflow's script in a separate checkout, with a pulumi that streams these events and then exits.
 */
async function run(
  script: string,
  events: readonly object[],
  pulumiExits: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Job> {
  const [folder, bin] = [temporaryFolder(), temporaryFolder()];
  for (const name of ["ci", "cli", "core", "kube", "node_modules", "package.json"])
    symlinkSync(resolve(name), join(folder, name));
  mkdirSync(join(folder, "temp"));
  writeFileSync(join(folder, "allow.txt"), "");
  writeFileSync(join(bin, "events"), events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  const program = (name: string, script: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  };
  program("pulumi", `cat '${join(bin, "events")}'\necho 'stderr of pulumi' >&2\nexit ${pulumiExits}`);
  // Another test covers take-branch.ts.
  const other = `case "$1" in deploy/ci/take-branch.ts) exit 0;; esac`;
  program("node", `${other}\nexec '${process.execPath}' "$@"`);
  const { exitCode, stdout, stderr } = await execa("bash", ["-eo", "pipefail", "-c", script], {
    cwd: folder,
    env: {
      STACK: "dev",
      TRUSTEE_ACCESS_STACK: "dev",
      TRUSTEE_ACCESS_PREVIEW_KUBECONFIG: "/dev/null",
      ALLOW: "",
      TMPDIR: join(folder, "temp"),
      ...env,
      PATH: [bin, process.env["PATH"] ?? ""].join(delimiter),
    },
    reject: false,
  });
  return { exitCode, left: { ...filesIn(folder), stdout, stderr } };
}

const compare = github().jobs["pull-request"]?.steps.find(({ name }) => name === "Compare the access matrix");
const scripts: readonly (readonly [string, string])[] = [
  ["GitHub's", compare?.run ?? ""],
  ["GitLab's", (gitlab()["trustee-access:merge-request"]?.script ?? []).join("\n")],
];

describe.each(scripts)("%s job, with a preview whose events hold a secret,", (_, script) => {
  it("leaves it nowhere if the preview succeeds", async () => {
    const { exitCode, left } = await run(script, succeeding, 0);
    expect({ exitCode, stdout: left["stdout"] }).toEqual({
      exitCode: 1,
      stdout: expect.stringMatching(/^OPENS {3}pod1 -> db\/k/) as unknown,
    });
    expect(Object.keys(left)).toContain("access.md");
    expect(leaks(SECRET, left)).toEqual([]);
  });

  it.each([0, 255])(
    "prints only the errors if it fails, and leaves it nowhere (exit code %i)",
    async (code) => {
      const { exitCode, left } = await run(script, failing, code, { ALLOW: "--allow-opens" });
      expect({ exitCode, stdout: left["stdout"], stderr: left["stderr"] }).toEqual({
        exitCode: 2,
        stdout: "",
        stderr:
          "TA955 The preview failed: resource pod1 was refused: metadata.labels: Invalid value\nFix pulumi's error, then run again.",
      });
      expect(leaks(SECRET, left)).toEqual([]);
    },
  );

  it("fails, and leaves it nowhere, if pulumi is killed", async () => {
    const { exitCode, left } = await run(script, debug, 1);
    expect({ exitCode, stderr: left["stderr"] }).toEqual({
      exitCode: 2,
      stderr: "TA955 The preview failed: stderr of pulumi\nFix pulumi's error, then run again.",
    });
    expect(leaks(SECRET, left)).toEqual([]);
  });
});

it.each([
  ["diff of a stack", "node cli/main.ts diff --stack dev --markdown access.md --json"],
  ["diff of a stream", "pulumi | node cli/main.ts diff --events - --markdown access.md"],
  [
    "diff of a file",
    "pulumi > temp/events || true; node cli/main.ts diff --events temp/events; code=$?; rm temp/events; exit $code",
  ],
  [
    "check",
    `TRUSTEE_ACCESS_OPA='${resolve("test/cli/support/opa.sh")}' node cli/main.ts check --preview --json`,
  ],
])("a command on a failed preview prints only pulumi's errors: %s", async (_, script) => {
  const { exitCode, left } = await run(`set +e\n${script}`, failing, 1);
  expect({ exitCode, stdout: left["stdout"] }).toEqual({ exitCode: 2, stdout: "" });
  expect(left["stderr"]).toContain("The preview failed: resource pod1 was refused");
  expect(leaks(SECRET, left)).toEqual([]);
});

it("the files of this project never advise to keep a preview's events, and git ignores files that may hold a secret", () => {
  for (const file of [
    "README.md",
    "docs/ci.md",
    "docs/check.md",
    "docs/diff.md",
    "cli/commands/diff.ts",
    "deploy/ci/github/trustee-access.yml",
    "deploy/ci/gitlab/trustee-access.yml",
  ])
    expect(readFileSync(file, "utf8")).not.toMatch(/pulumi preview [^\n|]*--json[^\n|]*>/);
  const ignored = readFileSync(".gitignore", "utf8").split("\n");
  expect(ignored).toEqual(expect.arrayContaining(["preview.json", "access.md", "kubeconfig"]));
});
