import { join } from "node:path";
import { own } from "../core/records.ts";
import { layout } from "./pulumi/environment.ts";
import { sandboxFolder, usersPath } from "./state/folders.ts";
import { startDaemon, stopDaemons } from "./state/processes.ts";
import { readRunState, type RunState, writeRunState } from "./state/run-state.ts";

type SandboxProcess = RunState["processes"][number];

const variables: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // kwok 0.7 writes a map of types for Nodes and Pods at the same time without a lock. Once it crashed at a restart
  // ("fatal error: concurrent map writes"). On one processor a goroutine is not interrupted while it writes.
  kwok: { GOMAXPROCS: "1" },
  // Garbage collection takes a seventh of the processor time. To collect half as often takes 40 MB more memory.
  "kube-apiserver": { GOGC: "200" },
};

/** Starts a process of the sandbox in `folder`. Its log is `logs/<name>.log`. */
export function startProcess(
  folder: string,
  command: Pick<SandboxProcess, "name" | "program" | "arguments">,
): SandboxProcess {
  const { NODE_COMPILE_CACHE } = process.env;
  const identity = startDaemon(command.program, {
    arguments: command.arguments,
    env: {
      PATH: usersPath(),
      HOME: folder,
      NO_PROXY: "127.0.0.1,localhost",
      ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }),
      ...own(variables, command.name),
    },
    cwd: folder,
    log: join(layout(folder).logs, `${command.name}.log`),
  });
  return { ...command, ...identity };
}

function find(sandbox: string, name: string): { readonly state: RunState; readonly found: SandboxProcess } {
  const state = readRunState(sandboxFolder(sandbox));
  const found = state?.processes.find((process) => process.name === name);
  if (state === undefined || found === undefined) {
    const names = state?.processes.map((process) => process.name).join(", ") ?? "none";
    throw new Error(`The sandbox "${sandbox}" has no process "${name}"; it has: ${names}.`);
  }
  return { state, found };
}

/**
 * Kills one of a sandbox's processes, for example `kube-apiserver`, with its process group.
 * @throws Error if the sandbox has no process of that name
 */
export async function killProcess(sandbox: string, name: string): Promise<void> {
  await stopDaemons([find(sandbox, name).found]);
}

/**
 * Restarts one of a sandbox's processes with the same command. Kills it first if it runs.
 * @throws Error if the sandbox has no process of that name
 */
export async function restartProcess(sandbox: string, name: string): Promise<void> {
  await killProcess(sandbox, name);
  const { state, found } = find(sandbox, name);
  const folder = sandboxFolder(sandbox);
  const { program, arguments: programArguments } = found;
  const restarted = startProcess(folder, { name, program, arguments: programArguments });
  writeRunState(folder, {
    ...state,
    processes: state.processes.map((process) => (process.name === name ? restarted : process)),
  });
}
