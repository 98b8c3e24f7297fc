import { writeFile } from "node:fs/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { generations, type Generation } from "../../core/trustee/generation.ts";
import { startSandbox, type Sandbox } from "../api.ts";
import { interruption } from "../interruption.ts";
import { countCalls, type CallResult } from "./api-calls.ts";
import { benchCommands, type CommandResult } from "./commands.ts";
import { benchCore, type CoreResult } from "./core-work.ts";
import { benchPolicy, type PolicyResult } from "./policy.ts";
import { show } from "./show.ts";

const parts = ["commands", "calls", "core", "policy"] as const;
type Part = (typeof parts)[number];

/** Numbers of pods for the core and the policy, which need no cluster. */
const CORE_SIZES = [3, 30, 300, 3000];
const POLICY_SIZES = [3, 300, 3000];

interface Options {
  readonly pods: readonly number[];
  readonly runs: number;
  readonly only: readonly Part[];
  readonly name: string;
  readonly trustee: Generation;
  readonly kubernetesPlugin?: string;
  readonly keep: boolean;
  readonly json?: string;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("Use whole numbers of at least 1.");
  return value;
}

function partsOf(text: string): readonly Part[] {
  return text.split(",").map((name) => {
    const part = parts.find((one) => one === name);
    if (part === undefined) throw new InvalidArgumentError(`Use some of ${parts.join(",")}.`);
    return part;
  });
}

function say(what: string): void {
  console.error(`  ${what}`);
}

/**
 * Measures the core first, in a fresh process, then the parts that need the sandbox. Stops the sandbox only
 * if it started it, even when interrupted.
 */
async function bench(options: Options, signal: AbortSignal): Promise<void> {
  const { runs, only, name, trustee, kubernetesPlugin } = options;
  const core: CoreResult[] = [];
  if (only.includes("core")) for (const size of CORE_SIZES) core.push(benchCore(size, Math.max(runs, 3)));
  const withPlugin = kubernetesPlugin === undefined ? {} : { kubernetesPlugin };
  const sandbox: Sandbox = await startSandbox({ name, trustee, ...withPlugin, signal }, (step, detail) => {
    if (detail === undefined) say(step);
  });
  say(`Kubernetes plugin: ${sandbox.kubernetesPlugin.source}`);
  const ends = !sandbox.taken && !options.keep;
  // Commands that still run against the sandbox then fail.
  signal.addEventListener("abort", () => {
    void (ends ? sandbox.stop() : Promise.resolve()).finally(() => process.exit());
  });
  try {
    signal.throwIfAborted();
    await measureIn(sandbox, options, core);
  } finally {
    if (ends) await sandbox.stop();
  }
}

/** Measures the parts that need the sandbox, and prints all results. @param core the results for the core */
async function measureIn(sandbox: Sandbox, options: Options, core: readonly CoreResult[]): Promise<void> {
  const { pods, runs, only } = options;
  const policy: PolicyResult[] = [];
  const calls: CallResult[] = [];
  const commands: CommandResult[] = [];
  if (only.includes("policy")) {
    for (const size of POLICY_SIZES) policy.push(...(await benchPolicy(sandbox.env, size, runs)));
  }
  if (only.includes("calls")) {
    for (const size of pods) calls.push(...(await countCalls(sandbox, size, say)));
  }
  if (only.includes("commands")) {
    for (const size of pods) commands.push(...(await benchCommands(sandbox, size, runs, say)));
  }
  const results = { commands, calls, core, policy };
  console.log(show(results));
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`);
}

await new Command("bench")
  .description("Compares this project with a bare Pulumi program, on an embedded cluster. See docs/bench.md.")
  .addOption(
    new Option("--pods <numbers>", "numbers of pods, separated by commas")
      .default([3, 30, 300], "3,30,300")
      .argParser((text) => text.split(",").map(positive)),
  )
  .addOption(
    new Option("--runs <number>", "the number of runs; results are medians").default(3).argParser(positive),
  )
  .addOption(
    new Option("--only <parts>", `some of ${parts.join(",")}`).default(parts, "all").argParser(partsOf),
  )
  .addOption(
    new Option("--trustee <generation>", "the generation of Trustee").choices(generations).default("0.18"),
  )
  .option("--name <name>", "the sandbox's name", "bench")
  .option("--kubernetes-plugin <dir>", "use pulumi-resource-kubernetes from this folder")
  .option("--keep", "keep the sandbox, or use a running one", false)
  .option("--json <file>", "write all results to this file")
  .action(async (options: Options) => {
    await bench(options, interruption());
  })
  .parseAsync();
