import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { parse } from "yaml";
import type { CommandResult, Sandbox } from "../../../sandbox/api.ts";
import { command } from "../../cli/support/run.ts";
import { kubectl, NAMESPACE } from "./cluster.ts";
import type { Project } from "./project.ts";

/** A stack that is up, and where. */
export interface Subject {
  readonly sandbox: Sandbox;
  readonly project: Project;
}

export async function verify(
  { sandbox, project }: Subject,
  ...args: readonly string[]
): Promise<CommandResult> {
  return command(sandbox, "cli/verify.ts", ["--stack", project.stack, ...args], { cwd: project.folder });
}

interface Cell extends Readonly<Record<"pod" | "secret" | "key" | "seen", string>> {
  readonly ok: boolean;
}

/** pod -> secret/key -> what `verify` saw, with ! where that is not as the stack says. */
export async function cells(
  subject: Subject,
  ...args: readonly string[]
): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  const { stdout, stderr } = await verify(subject, "--json", ...args);
  if (stdout === "") throw new Error(stderr);
  const { cells: all } = JSON.parse(stdout) as { readonly cells: readonly Cell[] };
  const rows = [...Map.groupBy(all, ({ pod }) => pod)];
  const said = (row: readonly Cell[]): Readonly<Record<string, string>> =>
    Object.fromEntries(
      row.map(({ secret, key, seen, ok }) => [`${secret}/${key}`, `${ok ? "" : "!"}${seen}`]),
    );
  return Object.fromEntries(rows.map(([pod, row]) => [pod, said(row)]));
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
  const { stdout, stderr } = await command(sandbox, "cli/access.ts", args, { cwd: project.folder });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Explained;
}

/** So that every KBS pod is younger, by whole seconds, than whatever was written before. */
export async function restartKbs(sandbox: Sandbox): Promise<void> {
  await sleep(1500);
  await kubectl(sandbox, "delete", "pod", "-n", NAMESPACE, "-l", "app=kbs");
  const status = ["rollout", "status", "deployment/trustee-deployment", "-n", NAMESPACE, "--timeout=60s"];
  await kubectl(sandbox, ...status);
}

export async function patch(sandbox: Sandbox, kind: string, name: string, change: object): Promise<void> {
  await kubectl(sandbox, "patch", kind, name, "-n", NAMESPACE, "--type=merge", "-p", JSON.stringify(change));
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
  const { jobs } = parse(readFileSync("ci/github/trustee-access.yml", "utf8")) as Workflow;
  const run = jobs[job]?.steps.find((one) => one.name === name)?.run;
  if (run === undefined) throw new Error(`there is no step "${name}"`);
  const result = await execa("bash", ["-e", "-c", run], {
    cwd: project.folder,
    env: { ...sandbox.env, STACK: project.stack, ...env },
    reject: false,
  });
  return { exitCode: result.exitCode ?? 1, stdout: result.stdout, stderr: result.stderr };
}
