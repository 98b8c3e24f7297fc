import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { generations } from "../../core/trustee/generation.ts";
import { operators } from "../trustee/manifests/objects.ts";
import { isRunning, type ProcessIdentity } from "./processes.ts";
import { sandboxesFolder } from "./folders.ts";

const FILE = "run.json";

const schema = z.object({
  name: z.string(),
  /** `ready` once everything answered; a sandbox that is found `starting` without its starter is a half-started one. */
  phase: z.enum(["starting", "ready"]),
  /** The process that starts it. */
  starter: z.object({ pid: z.number(), started: z.string() }),
  trustee: z.enum(generations),
  operator: z.enum(operators).default("upstream"),
  fresh: z.boolean(),
  resourcePath: z.enum(["string", "array"]),
  /** The sandbox whose Trustee the guests attest with, where it is not their own. */
  trusteeOf: z.string().optional(),
  kubernetesPlugin: z.object({ version: z.string().optional(), source: z.string() }).optional(),
  ports: z.record(z.string(), z.number()),
  processes: z.array(
    z.object({
      name: z.string(),
      pid: z.number(),
      started: z.string(),
      /** What it was started as, to be started again. */
      program: z.string(),
      arguments: z.array(z.string()),
    }),
  ),
});

/** What is known of a sandbox, kept in its folder from before its first process starts. */
export type RunState = z.infer<typeof schema>;

/** The state of the sandbox in `folder`; undefined where there is none, or only a file cut short by a crash. */
export function readRunState(folder: string): RunState | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(join(folder, FILE), "utf8")));
  } catch {
    return undefined;
  }
}

const processesOnly = z.looseObject({
  processes: z.array(z.looseObject({ pid: z.number(), started: z.string() })),
});

/** What runs of a sandbox, also of one that another release of this project has started; undefined where nothing is known. */
export function readProcesses(
  folder: string,
): { readonly processes: readonly ProcessIdentity[] } | undefined {
  try {
    return processesOnly.parse(JSON.parse(readFileSync(join(folder, FILE), "utf8")));
  } catch {
    return undefined;
  }
}

/** Makes the folder of a sandbox, for its owner's eyes only. @returns whether it was not there */
export function makeFolder(folder: string): boolean {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
  try {
    mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Writes the state at once and whole, so that a crash in the next instant loses no process. */
export function writeRunState(folder: string, state: RunState): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, `${FILE}.new`), `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(join(folder, `${FILE}.new`), join(folder, FILE));
}

/** `running`: all is there. `starting`: its starter is at work. `broken`: a process is gone, or the start was cut short. */
export type Condition = "running" | "starting" | "broken";

export function conditionOf(state: RunState): Condition {
  if (state.phase === "starting") return isRunning(state.starter) ? "starting" : "broken";
  return state.processes.every(isRunning) ? "running" : "broken";
}

/** Those of a sandbox's processes that no longer run, by name. */
export function deadProcesses(state: RunState): readonly string[] {
  return state.processes.filter((entry) => !isRunning(entry)).map((entry) => entry.name);
}

/** The names of all sandboxes that have a folder, sorted. */
export async function sandboxNames(): Promise<string[]> {
  try {
    const entries = await readdir(sandboxesFolder(), { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch {
    return [];
  }
}

export function thisProcess(start: (pid: number) => string | undefined): ProcessIdentity {
  const started = start(process.pid);
  if (started === undefined) throw new Error("cannot tell when this process started");
  return { pid: process.pid, started };
}
