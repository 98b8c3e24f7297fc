import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { execa, ExecaError } from "execa";
import { messageOf } from "../../core/records.ts";
import { generations, type Generation } from "../../core/trustee/generation.ts";
import { openSandbox, startSteps, stopSandbox, type Sandbox, type Step } from "../api.ts";
import { interruption } from "../interruption.ts";
import { showSteps } from "../show-steps.ts";
import { initDataTable, nextSteps } from "./show.ts";

interface Options {
  readonly name: string;
  readonly trustee: Generation;
  readonly kubernetesPlugin?: string;
  readonly keep: boolean;
}

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const STACK = "dev";

/** Time for an interrupted command to exit. pulumi stops its plugins first. Milliseconds. */
const PATIENCE = 15_000;

/** The tutorial in a running sandbox. */
class Tutorial {
  readonly #sandbox: Sandbox;
  readonly #signal: AbortSignal;

  constructor(sandbox: Sandbox, signal: AbortSignal) {
    this.#sandbox = sandbox;
    this.#signal = signal;
  }

  /**
   * Runs `up`, reads the nine cells by exec, and runs a preview without changes.
   * @throws Error if a command fails
   */
  async run(): Promise<void> {
    console.log(`\nKubernetes plugin: ${this.#sandbox.kubernetesPlugin.source}`);
    await this.#show("pulumi", ["stack", "select", "--create", STACK]);
    await this.#show("pulumi", ["up", "--yes", "--stack", STACK, "--suppress-outputs"]);
    console.log(`\n${initDataTable(await this.#initData())}`);
    await this.#show("node", ["cli/trustee-access.mjs", "verify", "--stack", STACK]);
    const preview = ["preview", "--expect-no-changes", "--stack", STACK, "--suppress-outputs"];
    await this.#show("pulumi", preview);
  }

  async cleanUp(): Promise<void> {
    await this.#show("pulumi", ["destroy", "--yes", "--stack", STACK, "--suppress-outputs"]);
  }

  /**
   * Runs a command with visible output, in the sandbox's environment. It has its own process group, so that
   * it gets only one SIGINT, from here. On a second one pulumi would exit without stopping its plugins.
   */
  async #show(command: string, args: readonly string[]): Promise<void> {
    console.log(`\n$ ${[command, ...args].join(" ")}`);
    await execa(command, args, {
      cwd: PROJECT,
      env: this.#sandbox.env,
      stdio: ["ignore", "inherit", "inherit"],
      detached: true,
      cancelSignal: this.#signal,
      killSignal: "SIGINT",
      forceKillAfterDelay: PATIENCE,
    });
  }

  async #initData(): Promise<Readonly<Record<string, string>>> {
    const args = ["stack", "output", "initData", "--json", "--stack", STACK];
    const { stdout } = await this.#sandbox.pulumi(args, { cwd: PROJECT });
    return JSON.parse(stdout) as Readonly<Record<string, string>>;
  }
}

/** Runs the tutorial, and destroys its stack unless `keep` is set. @returns whether it succeeded */
async function runTutorial(sandbox: Sandbox, keep: boolean, signal: AbortSignal): Promise<boolean> {
  const tutorial = new Tutorial(sandbox, signal);
  try {
    await tutorial.run();
    if (!keep) await tutorial.cleanUp();
    return true;
  } catch (error) {
    if (!signal.aborted)
      console.error(`\n${error instanceof ExecaError ? error.shortMessage : messageOf(error)}`);
    return false;
  }
}

/** @returns false if a step failed; the progress display has shown why */
async function start(steps: readonly Step[]): Promise<boolean> {
  try {
    await showSteps(steps);
    return true;
  } catch {
    return false;
  }
}

/**
 * Stops only a sandbox that it has started. An interrupted demo stops it even with --keep.
 * @returns whether the demo succeeded
 */
async function demo(options: Options, signal: AbortSignal): Promise<boolean> {
  const started = performance.now();
  console.log(
    "The tutorial on an embedded cluster. The first run downloads the tools, or builds them: about 15 minutes on two cores.\n",
  );
  const steps = await startSteps({ ...options, signal });
  const taken = steps.length === 0;
  if (taken) console.log(`The sandbox "${options.name}" runs already: the demo uses it and keeps it.`);
  let runs = false;
  let right = false;
  try {
    runs = await start(steps);
    if (runs) right = await runTutorial(openSandbox(options.name), taken || options.keep, signal);
  } finally {
    if (!taken && (!runs || !options.keep || signal.aborted)) await stopSandbox(options.name);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  if (signal.aborted) {
    console.error(`\nInterrupted after ${seconds} s${taken ? "" : "; the sandbox has been removed"}.`);
    return false;
  }
  console.log(
    right
      ? `\nAll nine cells and the no-change preview are right (${seconds} s).`
      : `\nThe demo failed after ${seconds} s.`,
  );
  console.log(nextSteps(options.name, taken || (runs && options.keep), right));
  return right;
}

await new Command("demo")
  .description("Runs the tutorial end to end on an embedded cluster, and cleans up.")
  .option("--name <name>", "the sandbox's name", "demo")
  .addOption(
    new Option("--trustee <generation>", "the generation of Trustee").choices(generations).default("0.18"),
  )
  .option("--kubernetes-plugin <dir>", "use pulumi-resource-kubernetes from this folder")
  .option("--keep", "keep the sandbox and the stack, and print commands to look around", false)
  .action(async (options: Options) => {
    const signal = interruption();
    try {
      if (!(await demo(options, signal))) process.exitCode ??= 1;
    } catch (error) {
      console.error(messageOf(error));
      process.exitCode ??= 1;
    }
  })
  .parseAsync();
process.exit();
