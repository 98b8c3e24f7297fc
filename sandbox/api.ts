import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { execa } from "execa";
import type { Generation } from "../core/trustee/generation.ts";
import { type Environment, environment, layout } from "./pulumi/environment.ts";
import { checkPluginFolder, type KubernetesPlugin, PLUGIN_VARIABLE } from "./pulumi/kubernetes-plugin.ts";
import { Start, type StartOptions, type Step } from "./start.ts";
import { sandboxFolder } from "./state/folders.ts";
import { endStarter, stopDaemons } from "./state/processes.ts";
import {
  conditionOf,
  isSandboxRunning,
  makeFolder,
  readProcesses,
  readRunState,
  type RunState,
  runningState,
} from "./state/run-state.ts";
import type { OperatorBuild } from "./trustee/manifests/objects.ts";

export { killProcess, restartProcess } from "./sandbox-processes.ts";
export type { Step } from "./start.ts";
export { upgradeSandbox } from "./upgrade.ts";

export type SandboxOptions = Partial<StartOptions>;

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** A running sandbox. */
export interface Sandbox {
  readonly name: string;
  readonly dir: string;
  readonly kubeconfig: string;
  readonly trustee: Generation;
  readonly operator: OperatorBuild;
  /** The sandbox whose Trustee the guests attest with; absent if it is this one. */
  readonly trusteeOf?: string;
  /** The variables that `npm run -s sandbox -- env` exports. */
  readonly env: Readonly<Record<string, string>>;
  readonly kubernetesPlugin: KubernetesPlugin;
  /** True if it was already running. The caller then must not stop it. */
  readonly taken: boolean;
  /** Runs kubectl against this sandbox. A failing command does not throw: see `exitCode`. */
  readonly kubectl: (args: readonly string[], options?: CommandOptions) => Promise<CommandResult>;
  /** Runs pulumi in `cwd` against this sandbox's backend. A failing command does not throw: see `exitCode`. */
  readonly pulumi: (args: readonly string[], options?: CommandOptions) => Promise<CommandResult>;
  readonly stop: () => Promise<void>;
}

function resolve(options: SandboxOptions): StartOptions {
  const trustee = options.trustee ?? "0.18";
  const plugin = options.kubernetesPlugin ?? process.env[PLUGIN_VARIABLE];
  return {
    name: options.name ?? "default",
    trustee,
    operator: options.operator ?? "upstream",
    fresh: options.fresh ?? false,
    resourcePath: options.resourcePath ?? (trustee === "0.18" ? "string" : "array"),
    ...(options.trusteeOf === undefined ? {} : { trusteeOf: options.trusteeOf }),
    ...(plugin === undefined || plugin === "" ? {} : { kubernetesPlugin: plugin }),
    ...(options.signal && { signal: options.signal }),
  };
}

/** The first option in which a running sandbox differs from the requested one, for the error message. */
function difference(state: RunState, wanted: StartOptions): string | undefined {
  for (const key of ["trustee", "operator", "fresh", "resourcePath", "trusteeOf"] as const) {
    const [runs, asked] = [String(state[key] ?? "none"), String(wanted[key] ?? "none")];
    if (runs !== asked) return `${key} ${runs}, not ${asked}`;
  }
  return undefined;
}

/**
 * The steps that start a sandbox. Removes a broken or half-started sandbox of that name first, and reserves
 * the name. The caller runs the steps, and calls {@link stopSandbox} if one fails.
 * @returns an empty list if it already runs
 * @throws Error if:
 * - it runs with other options
 * - another process is starting it
 * - the sandbox in `trusteeOf` does not run
 */
export async function startSteps(options: SandboxOptions): Promise<readonly Step[]> {
  const wanted = resolve(options);
  const folder = sandboxFolder(wanted.name);
  const state = readRunState(folder);
  const condition = state === undefined ? "broken" : conditionOf(state);
  if (state !== undefined && condition === "starting") {
    throw beingStarted(wanted.name, `process ${state.starter.pid}`);
  }
  if (state !== undefined && condition === "running") {
    const other = difference(state, wanted);
    if (other === undefined) return [];
    const down = `npm run sandbox -- down --name ${wanted.name}`;
    throw new Error(
      `The sandbox "${wanted.name}" runs with ${other}. End it first (${down}), or give another --name.`,
    );
  }
  checkTrusteeOf(wanted);
  if (wanted.kubernetesPlugin !== undefined) await checkPluginFolder(wanted.kubernetesPlugin);
  wanted.signal?.throwIfAborted();
  await stopSandbox(wanted.name);
  if (!makeFolder(folder)) throw beingStarted(wanted.name, "another process");
  return new Start(wanted).steps();
}

function checkTrusteeOf({ name, trusteeOf: other }: StartOptions): void {
  if (other === undefined) return;
  if (other === name) {
    throw new Error(
      `The pods of the sandbox "${name}" attest with its own Trustee anyway: omit --trustee-of, or name another sandbox.`,
    );
  }
  if (isSandboxRunning(other)) return;
  throw new Error(
    `The sandbox "${other}" does not run, but the pods of "${name}" are to attest with its Trustee. Start it first: npm run sandbox -- up --name ${other}`,
  );
}

function beingStarted(name: string, by: string): Error {
  return new Error(`The sandbox "${name}" is being started by ${by}: wait for it, or end it.`);
}

/**
 * Starts a sandbox, or opens the running one.
 * @param progress called with each step's title, and with its progress as `detail`
 * @throws Error if the start fails; the sandbox is then removed
 */
export async function startSandbox(
  options: SandboxOptions = {},
  progress: (step: string, detail?: string) => void = () => undefined,
): Promise<Sandbox> {
  const { name } = resolve(options);
  const steps = await startSteps(options);
  try {
    for (const step of steps) {
      progress(step.title);
      await step.run((detail) => {
        progress(step.title, detail);
      });
    }
  } catch (error) {
    await stopSandbox(name);
    throw error;
  }
  return { ...openSandbox(name), taken: steps.length === 0 };
}

/** Opens a running sandbox. @throws Error if it does not run */
export function openSandbox(name = "default"): Sandbox {
  const dir = sandboxFolder(name);
  const { trustee, operator, trusteeOf, kubernetesPlugin } = runningState(name);
  const env = sandboxEnv(name);
  const run = async (
    program: string,
    args: readonly string[],
    given: CommandOptions = {},
  ): Promise<CommandResult> => {
    const options = {
      reject: false,
      stripFinalNewline: false,
      ...given,
      env: { ...env, ...given.env },
    } as const;
    const { exitCode, stdout, stderr } = await execa(program, args, options);
    return { exitCode: exitCode ?? 1, stdout, stderr };
  };
  return {
    name,
    dir,
    kubeconfig: layout(dir).kubeconfig,
    ...{ trustee, operator, ...(trusteeOf === undefined ? {} : { trusteeOf }) },
    ...{ env, kubernetesPlugin },
    taken: true,
    kubectl: async (args, given) => run("kubectl", args, given),
    pulumi: async (args, given) => run("pulumi", ["--non-interactive", "--color=never", ...args], given),
    stop: async () => {
      await stopSandbox(name);
    },
  };
}

/** The environment for `pulumi` and `kubectl` against a sandbox. The sandbox need not run. */
export function sandboxEnv(name = "default", path = process.env["PATH"] ?? ""): Environment {
  return environment(sandboxFolder(name), path);
}

/**
 * Kills all processes of a sandbox, even a half-started one, and removes its folder.
 * @returns whether it existed
 */
export async function stopSandbox(name: string): Promise<boolean> {
  const folder = sandboxFolder(name);
  const there = existsSync(folder);
  const found = readProcesses(folder);
  if (found !== undefined) {
    const state = readRunState(folder);
    if (state?.phase === "starting" && state.starter.pid !== process.pid) await endStarter(state.starter);
    await stopDaemons((readProcesses(folder) ?? found).processes);
  }
  if (there) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  return found !== undefined;
}
