import { writeFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { execa } from "execa";
import { dump, load } from "js-yaml";
import { commitLine } from "./commit-line.ts";

/**
 * Copies the settings of a stack and the initdata files from a branch into a checkout of the base branch.
 * Program and tools stay those of the base branch, and nothing of the branch is run. Other files that the
 * merge would change are not judged; they are listed in branch.md.
 *
 *   node deploy/ci/take-branch.ts COMMIT STACK
 *
 * STACK may be qualified: organization/project/stack. Run this program at the top of a clean checkout of the base branch
 * that has both histories. Exit codes:
 * - 0: the branch changes only these
 * - 1: the branch changes other files too
 * - 2: the branch cannot be merged or read, or the base branch has no settings of the stack
 */

/**
 * The settings that are copied. Those of the clusters are not, because a kubeconfig can name programs to run.
 */
const SETTINGS = [
  "secrets",
  "secretValues",
  "podDefaults",
  "pods",
  "readers",
  "grants",
  "otherSecrets",
  "referenceValues",
  "rotation",
].map((name) => `trustee-access:${name}`);

type Fields = Readonly<Record<string, unknown>>;

async function git(...args: readonly string[]): Promise<string> {
  const { stdout } = await execa("git", args, {
    env: { GIT_LITERAL_PATHSPECS: "1" },
    stripFinalNewline: false,
  });
  return stdout;
}

/** The tree after a merge of the commit. */
async function mergedTree(commit: string): Promise<string> {
  const { stdout, exitCode, stderr } = await execa("git", ["merge-tree", "--write-tree", "HEAD", commit], {
    reject: false,
  });
  const [tree = ""] = stdout.split("\n");
  if (exitCode === 0) return tree;
  throw new Error(
    exitCode === 1
      ? "The branch conflicts with the base branch. Merge the base branch into it."
      : `The branch cannot be merged: ${stderr}`,
  );
}

/** Whether the path is a plain file, or does not exist. A symbolic link could lead out of the branch. */
async function isPlain(tree: string, path: string): Promise<boolean> {
  return /^(100(644|755) blob .*)?$/s.test(await git("ls-tree", tree, "--", path));
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** A stack's file: the settings to copy, the other settings, and the rest. */
interface StackFile {
  readonly settings: Fields;
  readonly config: Fields;
  readonly rest: Fields;
}

async function readStackFile(tree: string, path: string): Promise<StackFile> {
  const { config, ...rest } = fieldsOf(load(await git("cat-file", "blob", `${tree}:${path}`)));
  const all = Object.entries(fieldsOf(config));
  return {
    settings: Object.fromEntries(all.filter(([key]) => SETTINGS.includes(key))),
    config: Object.fromEntries(all.filter(([key]) => !SETTINGS.includes(key))),
    rest,
  };
}

/** Copies the settings of a stack. @returns false if the branch changes anything else in the file */
async function takeStack(tree: string, path: string): Promise<boolean> {
  for (const one of [tree, "HEAD"]) {
    const isThere = (await git("ls-tree", one, "--", path)) !== "";
    if (!isThere || !(await isPlain(one, path))) return false;
  }
  const [branch, base] = await Promise.all([readStackFile(tree, path), readStackFile("HEAD", path)]);
  await writeFile(path, dump({ ...base.rest, config: { ...base.config, ...branch.settings } }));
  return isDeepStrictEqual([branch.config, branch.rest], [base.config, base.rest]);
}

/** A path as Markdown code, with unusual characters replaced. It is safe in a log too. */
function shown(path: string): string {
  return `\`${path.replaceAll(/[^\w./ +-]/g, "?")}\``;
}

function section(title: string, paths: readonly string[]): readonly string[] {
  return paths.length === 0 ? [] : [title, "", ...paths.map((path) => `- ${shown(path)}`), ""];
}

/** The stack's file. Without one in the base branch, no change of the settings would be judged. */
async function stackPath(stack: string): Promise<string> {
  // Pulumi names the file by the last part of a qualified name.
  const path = `Pulumi.${stack.slice(stack.lastIndexOf("/") + 1)}.yaml`;
  if ((await git("ls-tree", "HEAD", "--", path)) !== "") return path;
  throw new Error(
    `The base branch has no file ${shown(path)}, so the settings of the stack cannot be judged. ` +
      "Set TRUSTEE_ACCESS_STACK to a stack whose file is in the base branch, or commit the file there first.",
  );
}

async function takeBranch(commit: string, stack: string): Promise<boolean> {
  const own = await stackPath(stack);
  const tree = await mergedTree(commit);
  const changed = (await git("diff", "--name-only", "--no-renames", "-z", "HEAD", tree)).split("\0");
  const others: string[] = [];
  const unjudged: string[] = [];
  for (const path of changed.filter((name) => name !== "")) {
    if (path === own) {
      if (!(await takeStack(tree, path))) others.push(path);
    } else if (/^Pulumi\.[^/]+\.yaml$/.test(path)) unjudged.push(path);
    else if (path.endsWith(".toml") && (await isPlain(tree, path)))
      await git("restore", `--source=${tree}`, "--worktree", "--", path);
    else others.push(path);
  }
  const lines = [
    commitLine(commit),
    "",
    ...section("⚠ The branch also changes these files, which are not judged:", others),
    ...section(`Not judged, because these files are not of the stack ${shown(stack)}:`, unjudged),
  ];
  await writeFile("branch.md", lines.join("\n"));
  process.stdout.write(lines.join("\n"));
  return others.length === 0;
}

try {
  const [commit = "", stack = ""] = process.argv.slice(2);
  process.exitCode = (await takeBranch(commit, stack)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
