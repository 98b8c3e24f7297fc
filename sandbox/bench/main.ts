import { writeFile } from "node:fs/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { generations, type Generation } from "../../core/trustee/generation.ts";
import { startSandbox } from "../api.ts";
import { interruption } from "../interruption.ts";
import { benchCommands, type CommandResult } from "./commands.ts";
import { show } from "./show.ts";

interface Options {
  readonly pods: readonly number[];
  readonly runs: number;
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

function say(what: string): void {
  console.error(`  ${what}`);
}

/** Measures in a sandbox. Stops it only if it started it, even when interrupted. */
async function bench(options: Options, signal: AbortSignal): Promise<void> {
  const { pods, runs, name, trustee, kubernetesPlugin, json } = options;
  const withPlugin = kubernetesPlugin === undefined ? {} : { kubernetesPlugin };
  const sandbox = await startSandbox({ name, trustee, ...withPlugin, signal }, (step, detail) => {
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
    const results: CommandResult[] = [];
    for (const size of pods) results.push(...(await benchCommands(sandbox, size, runs, say)));
    console.log(show(results));
    if (json !== undefined) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
  } finally {
    if (ends) await sandbox.stop();
  }
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
