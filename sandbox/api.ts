import { existsSync } from "node:fs";
import { execa } from "execa";
import type { Generation } from "../core/trustee/generation.ts";
import { type Environment, environment, layout } from "./pulumi/environment.ts";
import { checkPluginFolder, type KubernetesPlugin, PLUGIN_VARIABLE } from "./pulumi/kubernetes-plugin.ts";
import { removeFolder, Start, type Step } from "./start.ts";
import { sandboxFolder } from "./state/folders.ts";
import { endStarter, stopDaemons } from "./state/processes.ts";
import { conditionOf, makeFolder, readProcesses, readRunState, type RunState } from "./state/run-state.ts";
import type { OperatorBuild } from "./trustee/manifests/objects.ts";
import { checkTrusteeOf } from "./trustee-of.ts";

export { killProcess, restartProcess } from "./sandbox-processes.ts";
export type { Step } from "./start.ts";
export { upgradeSandbox } from "./upgrade.ts";

export interface SandboxOptions {
  /** Sandboxes of different names run side by side. @default "default" */
  readonly name?: string;
  /** @default "0.18", the tutorial's */
  readonly trustee?: Generation;
  /** Whose operator it is: Red Hat's is 1.1 for 0.18, and 1.2 for 0.21. @default "upstream" */
  readonly operator?: OperatorBuild;
  /** Just as the operator installs it, without what the tutorial's earlier steps add. @default false */
  readonly fresh?: boolean;
  /** How the KBS hands a resource's path to the policy. @default "string" for 0.18, "array" for 0.21 */
  readonly resourcePath?: "string" | "array";
  /** The sandbox, one that runs, whose Trustee the guests of this one attest with. @default its own */
  readonly trusteeOf?: string;
  /** A folder with pulumi-resource-kubernetes. @default $TRUSTEE_ACCESS_KUBERNETES_PLUGIN */
  readonly kubernetesPlugin?: string;
  /** Gives the start up, e.g. when the user interrupts; what was started is removed. */
  readonly signal?: AbortSignal;
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
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
  /** The sandbox whose Trustee the guests attest with; absent where it is their own. */
  readonly trusteeOf?: string;
  /** What `npm run -s sandbox -- env` exports. */
  readonly env: Readonly<Record<string, string>>;
  readonly kubernetesPlugin: KubernetesPlugin;
  /** Whether it ran before: then it is for whoever started it to end. */
  readonly taken: boolean;
  /** Runs kubectl against it. Never throws for the command's own failure: see `exitCode`. */
  readonly kubectl: (args: readonly string[], options?: CommandOptions) => Promise<CommandResult>;
  /** Runs pulumi in `cwd` against its backend; see {@link Sandbox.kubectl} for failures. */
  readonly pulumi: (args: readonly string[], options?: CommandOptions) => Promise<CommandResult>;
  readonly stop: () => Promise<void>;
}

interface Resolved {
  readonly name: string;
  readonly trustee: Generation;
  readonly operator: OperatorBuild;
  readonly fresh: boolean;
  readonly resourcePath: "string" | "array";
  readonly trusteeOf?: string;
  readonly kubernetesPlugin?: string;
  readonly signal?: AbortSignal;
}

function resolve(options: SandboxOptions): Resolved {
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

/** How a sandbox that runs differs from the one that is asked for, in the user's words. */
function difference(state: RunState, wanted: Resolved): string | undefined {
  for (const key of ["trustee", "operator", "fresh", "resourcePath", "trusteeOf"] as const) {
    const [runs, asked] = [String(state[key] ?? "none"), String(wanted[key] ?? "none")];
    if (runs !== asked) return `${key} ${runs}, not ${asked}`;
  }
  return undefined;
}

/**
 * What is to be done so that the sandbox runs; nothing where it runs already. One that was left half started or has
 * lost a process is removed first. With steps to do, the sandbox is the caller's: nobody else starts one of that name
 * meanwhile, and where a step fails it is the caller who removes it, see {@link stopSandbox}.
 * @throws Error if it runs with other options, or another process is starting it: it is then left alone. Also if the
 * sandbox whose Trustee it is to use does not run.
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
  if (wanted.trusteeOf !== undefined) checkTrusteeOf(wanted.name, wanted.trusteeOf);
  if (wanted.kubernetesPlugin !== undefined) await checkPluginFolder(wanted.kubernetesPlugin);
  wanted.signal?.throwIfAborted();
  await stopSandbox(wanted.name);
  if (!makeFolder(folder)) throw beingStarted(wanted.name, "another process");
  return new Start(wanted).steps();
}

function beingStarted(name: string, by: string): Error {
  return new Error(`The sandbox "${name}" is being started by ${by}: wait for it, or end it.`);
}

/**
 * Starts a sandbox, or takes the one that runs already.
 * @param progress called with the title of each step and what it is doing
 * @throws Error after having removed what was started
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

/** A sandbox that runs, {@link Sandbox.taken}. @throws Error if it does not */
export function openSandbox(name = "default"): Sandbox {
  const dir = sandboxFolder(name);
  const state = readRunState(dir);
  if (state?.kubernetesPlugin === undefined || conditionOf(state) !== "running") {
    throw new Error(`The sandbox "${name}" does not run. Start it: npm run sandbox -- up --name ${name}`);
  }
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
    trustee: state.trustee,
    operator: state.operator,
    ...(state.trusteeOf === undefined ? {} : { trusteeOf: state.trusteeOf }),
    env,
    kubernetesPlugin: state.kubernetesPlugin,
    taken: true,
    kubectl: async (args, given) => run("kubectl", args, given),
    pulumi: async (args, given) => run("pulumi", ["--non-interactive", "--color=never", ...args], given),
    stop: async () => {
      await stopSandbox(name);
    },
  };
}

/** The environment in which `pulumi` and `kubectl` work against a sandbox, whether it runs or not. */
export function sandboxEnv(name = "default", path = process.env["PATH"] ?? ""): Environment {
  return environment(sandboxFolder(name), path);
}

/** Ends a sandbox with all its processes, also a half-started one, and removes its folder. @returns whether there was one */
export async function stopSandbox(name: string): Promise<boolean> {
  const folder = sandboxFolder(name);
  const there = existsSync(folder);
  const found = readProcesses(folder);
  if (found !== undefined) {
    const state = readRunState(folder);
    if (state?.phase === "starting" && state.starter.pid !== process.pid) await endStarter(state.starter);
    await stopDaemons((readProcesses(folder) ?? found).processes);
  }
  if (there) await removeFolder(folder);
  return found !== undefined;
}
