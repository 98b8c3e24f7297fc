import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { generations } from "../../core/trustee/generation.ts";
import { operators } from "../trustee/manifests/objects.ts";
import { hasCode, isRunning, type ProcessIdentity } from "./processes.ts";
import { sandboxesFolder, sandboxFolder } from "./folders.ts";

const FILE = "run.json";

const schema = z.object({
  name: z.string(),
  /** `ready` once the start is complete. A sandbox in `starting` whose starter has ended is broken. */
  phase: z.enum(["starting", "ready"]),
  /** The process that runs the start. */
  starter: z.object({ pid: z.number(), started: z.string() }),
  trustee: z.enum(generations),
  operator: z.enum(operators).default("upstream"),
  fresh: z.boolean(),
  resourcePath: z.enum(["string", "array"]),
  /** The sandbox whose Trustee the guests attest with; absent if it is this one. */
  trusteeOf: z.string().optional(),
  kubernetesPlugin: z.object({ version: z.string().optional(), source: z.string() }).optional(),
  ports: z.record(z.string(), z.number()),
  processes: z.array(
    z.object({
      name: z.string(),
      pid: z.number(),
      started: z.string(),
      /** The command, for a restart. */
      program: z.string(),
      arguments: z.array(z.string()),
    }),
  ),
});

/** The state of a sandbox. It is written to its folder before the first process starts. */
export type RunState = z.infer<typeof schema>;

/** The state of the sandbox in `folder`; undefined if there is none, or if the file is truncated. */
export function readRunState(folder: string): RunState | undefined {
  return read(folder, schema);
}

const processesOnly = z.looseObject({
  processes: z.array(z.looseObject({ pid: z.number(), started: z.string() })),
});

/**
 * The processes of a sandbox, even one that another release of this project started; undefined if there is no
 * file.
 */
export function readProcesses(
  folder: string,
): { readonly processes: readonly ProcessIdentity[] } | undefined {
  return read(folder, processesOnly);
}

function read<Schema extends z.ZodType>(folder: string, of: Schema): z.infer<Schema> | undefined {
  try {
    return of.parse(JSON.parse(readFileSync(join(folder, FILE), "utf8")));
  } catch {
    return undefined;
  }
}

/** Creates the folder of a sandbox with mode 0700. @returns false if it already exists */
export function makeFolder(folder: string): boolean {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
  try {
    mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

/** Writes the state atomically and synchronously, so that a crash never loses track of a process. */
export function writeRunState(folder: string, state: RunState): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, `${FILE}.new`), `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(join(folder, `${FILE}.new`), join(folder, FILE));
}

/**
 * `running`: all processes run. `starting`: its starter runs. `broken`: a process has ended, or the start was
 * interrupted.
 */
type Condition = "running" | "starting" | "broken";

export function conditionOf(state: RunState): Condition {
  if (state.phase === "starting") return isRunning(state.starter) ? "starting" : "broken";
  return state.processes.every(isRunning) ? "running" : "broken";
}

export function isSandboxRunning(name: string): boolean {
  const state = readRunState(sandboxFolder(name));
  return state !== undefined && conditionOf(state) === "running";
}

/** @throws Error if the sandbox does not run */
export function runningState(name: string): RunState & {
  readonly kubernetesPlugin: NonNullable<RunState["kubernetesPlugin"]>;
} {
  const state = readRunState(sandboxFolder(name));
  if (state?.kubernetesPlugin !== undefined && conditionOf(state) === "running")
    return { ...state, kubernetesPlugin: state.kubernetesPlugin };
  throw new Error(`The sandbox "${name}" does not run. Start it: npm run sandbox -- up --name ${name}`);
}

/** The names of a sandbox's processes that have ended. */
export function deadProcesses(state: RunState): readonly string[] {
  return state.processes.filter((entry) => !isRunning(entry)).map((entry) => entry.name);
}

/** The names of all sandboxes, sorted. */
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
