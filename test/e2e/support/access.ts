import { readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { parse } from "yaml";
import type { CommandResult, Sandbox } from "../../../sandbox/api.ts";
import { command } from "../../cli/support/run.ts";
import { devConfiguration, Project, type Configuration } from "./project.ts";
import { takeSandbox } from "./shared-sandbox.ts";

/** A deployed stack and its sandbox. */
export interface Subject {
  readonly sandbox: Sandbox;
  readonly project: Project;
}

/** The tutorial with a key that its Secret does not have, and a pod2 whose agent allows fewer requests. */
export function configuration(): Configuration {
  const dev = devConfiguration();
  const paths = [
    "fraud-dataset/dataset_key",
    "fraud-dataset/missing_key",
    "p2-secret/secret",
    "kbsres1/key1",
  ];
  return {
    ...dev,
    secrets: [
      { name: "fraud-dataset", keys: ["dataset_key", "missing_key"] },
      { name: "p2-secret", keys: ["secret"], from: "setting" },
      { name: "kbsres1", keys: ["key1"] },
    ],
    podDefaults: {
      ...(dev["podDefaults"] as object),
      execCurl: paths,
    },
    pods: [
      { name: "pod1" },
      { name: "pod2", execCurl: ["fraud-dataset/dataset_key", "p2-secret/secret"] },
      { name: "pod3" },
    ],
  };
}

/** Starts a sandbox and deploys that stack. The project folder has the commands too. */
export async function startSubject(name: string): Promise<Subject> {
  const sandbox = await takeSandbox();
  const project = new Project(sandbox, name);
  symlinkSync(resolve("cli"), join(project.folder, "cli"));
  await project.init(configuration());
  await project.up();
  return { sandbox, project };
}

export async function verify(
  { sandbox, project }: Subject,
  ...args: readonly string[]
): Promise<CommandResult> {
  return command(sandbox, ["verify", "--stack", project.stack, ...args], { cwd: project.folder });
}

interface Cell extends Readonly<Record<"pod" | "secret" | "key" | "seen", string>> {
  readonly ok: boolean;
}

/** pod -> secret/key -> what `verify` saw; a leading ! marks a difference from the matrix. */
export async function cells(
  subject: Subject,
  ...args: readonly string[]
): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  const { stdout, stderr } = await verify(subject, "--json", ...args);
  if (stdout === "") throw new Error(stderr);
  const { cells: all } = JSON.parse(stdout) as { readonly cells: readonly Cell[] };
  const rows = [...Map.groupBy(all, ({ pod }) => pod)];
  const byPath = (row: readonly Cell[]): Readonly<Record<string, string>> =>
    Object.fromEntries(
      row.map(({ secret, key, seen, ok }) => [`${secret}/${key}`, `${ok ? "" : "!"}${seen}`]),
    );
  return Object.fromEntries(rows.map(([pod, row]) => [pod, byPath(row)]));
}

export interface Explained {
  readonly verdict: string;
  readonly because: string;
  readonly conditions: readonly {
    readonly id: string;
    readonly status: string;
    readonly expected?: readonly string[];
    readonly seen?: string;
  }[];
  readonly log?: { readonly outcome: string; readonly own: boolean };
  readonly next: readonly string[];
}

export async function explain({ sandbox, project }: Subject, pod: string, path: string): Promise<Explained> {
  const args = ["explain", pod, path, "--stack", project.stack, "--json"];
  const { stdout, stderr } = await command(sandbox, args, { cwd: project.folder });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Explained;
}

interface Workflow {
  readonly jobs: Readonly<
    Record<string, { readonly steps: readonly { readonly name?: string; readonly run?: string }[] }>
  >;
}

/** Runs a step of the GitHub workflow as GitHub does. */
export async function step(
  { sandbox, project }: Subject,
  job: string,
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const { jobs } = parse(readFileSync("deploy/ci/github/trustee-access.yml", "utf8")) as Workflow;
  const run = jobs[job]?.steps.find((one) => one.name === name)?.run;
  if (run === undefined) throw new Error(`the workflow has no step "${name}"`);
  const result = await execa("bash", ["-e", "-c", run], {
    cwd: project.folder,
    env: { ...sandbox.env, STACK: project.stack, ...env },
    reject: false,
  });
  return { exitCode: result.exitCode ?? 1, stdout: result.stdout, stderr: result.stderr };
}
