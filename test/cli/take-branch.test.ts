import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { temporaryFolder } from "../support/folders.ts";

const STACK = "Pulumi.dev.yaml";
const config = {
  "trustee-access:trustee": { kubeconfig: "trustee.kubeconfig" },
  "trustee-access:secrets": [{ name: "db", keys: ["k"] }],
  "trustee-access:grants": [{ pod: "a", secret: "db" }],
};
const stackFile = { encryptionsalt: "v1:salt", config };
const base: Readonly<Record<string, string>> = {
  [STACK]: stringify(stackFile),
  "Pulumi.prod.yaml": stringify(stackFile),
  "index.ts": "base\n",
  "initdata/pod1.toml": "base\n",
};

/** The branch's change of a file: a text, a symbolic link's target, or a removal. */
type Change = string | { readonly link: string } | undefined;

interface Taken {
  readonly exitCode: number | undefined;
  readonly stderr: string;
  /** The files listed as not judged. */
  readonly listed: readonly string[];
  readonly head: string;
  readonly text: (path: string) => string | undefined;
}

/**
 * Runs the program in a checkout of the base branch, for a branch with these changes.
 * @param later changes of the base since the branch
 */
async function take(
  changes: Readonly<Record<string, Change>>,
  later: typeof base = {},
  stack = "dev",
): Promise<Taken> {
  const folder = temporaryFolder();
  const identity = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"];
  const git = async (...args: readonly string[]): Promise<string> =>
    (await execa("git", [...identity, ...args], { cwd: folder })).stdout;
  const commit = async (files: Readonly<Record<string, Change>>): Promise<string> => {
    for (const [path, change] of Object.entries(files)) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      rmSync(file, { force: true });
      if (typeof change === "string") writeFileSync(file, change);
      else if (change !== undefined) symlinkSync(change.link, file);
    }
    await git("add", "--all");
    await git("commit", "--quiet", "--allow-empty", "--message=x");
    return git("rev-parse", "HEAD");
  };
  await git("init", "--quiet", "--initial-branch=main");
  await commit(base);
  await git("checkout", "--quiet", "-b", "branch");
  const head = await commit(changes);
  await git("checkout", "--quiet", "main");
  await commit(later);
  const args = [resolve("deploy/ci/take-branch.ts"), head, stack];
  const { exitCode, stderr } = await execa(process.execPath, args, { cwd: folder, reject: false });
  const text = (path: string): string | undefined => {
    try {
      return readFileSync(join(folder, path), "utf8");
    } catch {
      return undefined;
    }
  };
  const listed = (text("branch.md") ?? "").split("\n").filter((line) => /^[⚠N-]/.test(line));
  return { exitCode, stderr, listed, head, text };
}

const changedConfig = (change: object): string =>
  stringify({ ...stackFile, config: { ...config, ...change } });
const OTHERS = "⚠ The branch also changes these files, which are not judged:";

describe("the judged part of a branch", () => {
  it("is the stack's settings and the initdata files (new, changed or removed) on the current base", async () => {
    const grants = {
      "trustee-access:grants": [],
      "trustee-access:secretValues": { db: { k: { secure: "v1:x" } } },
    };
    const taken = await take(
      { [STACK]: changedConfig(grants), "initdata/pod1.toml": undefined, "new/pod2.toml": "branch\n" },
      { "index.ts": "base, later\n" },
    );
    expect(taken).toMatchObject({ exitCode: 0, stderr: "", listed: [] });
    expect(taken.text("branch.md")).toBe(
      `Commit \`${taken.head}\`, judged by the program of the base branch.\n`,
    );
    expect(parse(taken.text(STACK) ?? "")).toEqual({ ...stackFile, config: { ...config, ...grants } });
    expect(["initdata/pod1.toml", "new/pod2.toml", "index.ts"].map(taken.text)).toEqual([
      undefined,
      "branch\n",
      "base, later\n",
    ]);
  });

  it.each([
    "index.ts",
    "Pulumi.yaml",
    "deploy/ci/gitlab/approval.ts",
    ".github/workflows/trustee-access.yml",
    "sub/Pulumi.dev.yaml",
  ])("excludes %s: the base's file stays, and it is listed", async (path) => {
    const taken = await take({ [path]: "branch\n", "new.toml": "branch\n" });
    expect(taken).toMatchObject({ exitCode: 1, stderr: "", listed: [OTHERS, `- \`${path}\``] });
    expect([taken.text(path), taken.text("new.toml")]).toEqual([base[path], "branch\n"]);
  });

  it("excludes clusters, programs and keys in the stack's file, but not its settings", async () => {
    const grants = { "trustee-access:grants": [] };
    const own = { ...config, ...grants };
    const changes = [
      { ...stackFile, config: { ...own, "trustee-access:trustee": { kubeconfig: "new.toml" } } },
      { ...stackFile, config: { ...own, "trustee-access:podCluster": { kubeconfig: STACK } } },
      { ...stackFile, config: { ...own, "pulumi:autonaming": {} } },
      { ...stackFile, config: own, encryptionsalt: "v1:other" },
      { ...stackFile, config: own, secretsprovider: "awskms://x" },
      { ...stackFile, config: own, environment: { values: { environmentVariables: { NODE_OPTIONS: "x" } } } },
    ];
    for (const change of changes) {
      const taken = await take({ [STACK]: stringify(change) });
      expect(taken).toMatchObject({ exitCode: 1, listed: [OTHERS, `- \`${STACK}\``] });
      expect(parse(taken.text(STACK) ?? "")).toEqual({ ...stackFile, config: own });
    }
  });

  it("excludes symbolic links, which could read files outside of the branch", async () => {
    const link = { link: "/proc/self/environ" };
    const taken = await take({ [STACK]: link, "initdata/pod1.toml": link, "new.toml": link });
    expect(taken).toMatchObject({
      exitCode: 1,
      listed: [OTHERS, `- \`${STACK}\``, "- `initdata/pod1.toml`", "- `new.toml`"],
    });
    expect([STACK, "initdata/pod1.toml", "new.toml"].map(taken.text)).toEqual([
      base[STACK],
      base["initdata/pod1.toml"],
      undefined,
    ]);
  });

  it("excludes the removal of a stack's file", async () => {
    const taken = await take({ [STACK]: undefined });
    expect(taken).toMatchObject({ exitCode: 1, listed: [OTHERS, `- \`${STACK}\``] });
    expect(taken.text(STACK)).toBe(base[STACK]);
  });

  it.each(["acme/dev", "acme/payments/dev"])("is that of the stack %s, from its file", async (stack) => {
    const grants = { "trustee-access:grants": [] };
    const taken = await take({ [STACK]: changedConfig(grants) }, {}, stack);
    expect(taken).toMatchObject({ exitCode: 0, stderr: "", listed: [] });
    expect(parse(taken.text(STACK) ?? "")).toEqual({ ...stackFile, config: { ...config, ...grants } });
  });

  it.each(["production", "acme/production", "acme/payments/", "dev.yaml", ""])(
    "is nothing if the base branch has no file of the stack %j",
    async (stack) => {
      const name = stack.split("/").at(-1) ?? "";
      const taken = await take({ [STACK]: changedConfig({ "trustee-access:grants": [] }) }, {}, stack);
      expect(taken).toMatchObject({
        exitCode: 2,
        stderr:
          `The base branch has no file \`Pulumi.${name}.yaml\`, so the settings of the stack cannot be judged. ` +
          "Set TRUSTEE_ACCESS_STACK to a stack whose file is in the base branch, or commit the file there first.",
      });
      expect(parse(taken.text(STACK) ?? "")).toEqual(stackFile);
    },
  );

  it("excludes other stacks, which are listed", async () => {
    const taken = await take({ "Pulumi.prod.yaml": changedConfig({ "trustee-access:grants": [] }) });
    expect(taken).toMatchObject({
      exitCode: 0,
      listed: ["Not judged, because these files are not of the stack `dev`:", "- `Pulumi.prod.yaml`"],
    });
    expect(taken.text("Pulumi.prod.yaml")).toBe(base["Pulumi.prod.yaml"]);
  });

  it("is listed with escaped names", async () => {
    const name = "`a`\n## x <img src=x>.ts";
    const { listed } = await take({ [name]: "x" });
    expect(listed).toEqual([OTHERS, "- `?a???? x ?img src?x?.ts`"]);
  });

  it("is nothing if the branch conflicts with the base, or is no commit", async () => {
    const taken = await take(
      { [STACK]: changedConfig({ "trustee-access:grants": [1] }) },
      { [STACK]: changedConfig({ "trustee-access:grants": [2] }) },
    );
    expect(taken).toMatchObject({
      exitCode: 2,
      stderr: "The branch conflicts with the base branch. Merge the base branch into it.",
    });
    const args = ["deploy/ci/take-branch.ts", "no-such-commit", "dev"];
    const { exitCode } = await execa(process.execPath, args, { reject: false });
    expect(exitCode).toBe(2);
  });
});
