import { Command, InvalidArgumentError, Option } from "commander";
import { messageOf } from "../core/records.ts";
import { type Generation, generations } from "../core/trustee/generation.ts";
import {
  openSandbox,
  sandboxEnv,
  type SandboxOptions,
  startSteps,
  stopSandbox,
  upgradeSandbox,
} from "./api.ts";
import { interruption } from "./interruption.ts";
import { quote } from "./pulumi/environment.ts";
import { PLUGIN_VARIABLE } from "./pulumi/kubernetes-plugin.ts";
import { showSteps } from "./show-steps.ts";
import { sandboxFolder } from "./state/folders.ts";
import {
  conditionOf,
  deadProcesses,
  isSandboxRunning,
  readRunState,
  sandboxNames,
} from "./state/run-state.ts";

const DEFAULT_NAME = "default";

interface UpFlags {
  readonly name: string;
  readonly trustee: Generation;
  readonly redHat: boolean;
  readonly fresh: boolean;
  readonly resourcePath?: "string" | "array";
  readonly trusteeOf?: string;
  readonly kubernetesPlugin?: string;
}

/** The command that points a shell at a sandbox. */
function evalLine(name: string): string {
  return `eval "$(npm run -s sandbox -- env${name === DEFAULT_NAME ? "" : ` --name ${name}`})"`;
}

/** A step failed. The progress display has already shown why. */
class ShownError extends Error {}

async function up(flags: UpFlags): Promise<void> {
  const signal = interruption();
  const { redHat, ...others } = flags;
  const operator = redHat ? "red-hat" : "upstream";
  const options: SandboxOptions = { ...others, operator, signal };
  const steps = await startSteps(options);
  if (steps.length === 0) {
    console.log(`The sandbox "${flags.name}" runs already.`);
    describe(flags.name);
    return;
  }
  const started = performance.now();
  try {
    await showSteps(steps);
  } catch (error) {
    await stopSandbox(flags.name);
    if (signal.aborted) console.error(`Interrupted: the sandbox "${flags.name}" has been removed.`);
    throw new ShownError("the sandbox was not started", { cause: error });
  }
  console.log(`The sandbox "${flags.name}" runs (${((performance.now() - started) / 1000).toFixed(1)} s).`);
  describe(flags.name);
}

function describe(name: string): void {
  const sandbox = openSandbox(name);
  const release = { "0.18": "1.1", "0.21": "1.2" }[sandbox.trustee];
  const redHat = sandbox.operator === "red-hat" ? `, as Red Hat's operator ${release} installs it` : "";
  console.log(`  Trustee            ${sandbox.trustee}${redHat}`);
  if (sandbox.trusteeOf !== undefined) {
    const gone = isSandboxRunning(sandbox.trusteeOf) ? "" : ", which does not run";
    console.log(`  Pods attest with   the Trustee of the sandbox "${sandbox.trusteeOf}"${gone}`);
  }
  console.log(`  Kubernetes plugin  ${sandbox.kubernetesPlugin.source}`);
  console.log(`  Folder             ${sandbox.dir}`);
  console.log(`  In your shell      ${evalLine(name)}`);
  console.log(
    `  End it             npm run sandbox -- down${name === DEFAULT_NAME ? "" : ` --name ${name}`}`,
  );
}

async function down(flags: { readonly name: string; readonly all: boolean }): Promise<void> {
  const names = flags.all ? await sandboxNames() : [flags.name];
  if (names.length === 0) console.log("There is no sandbox.");
  for (const name of names) {
    console.log(
      (await stopSandbox(name)) ? `The sandbox "${name}" is gone.` : `There is no sandbox "${name}".`,
    );
  }
}

async function upgrade(flags: { readonly name: string; readonly stock: boolean }): Promise<void> {
  await upgradeSandbox(flags.name, flags.stock ? "stock" : "converted");
  console.log(`The sandbox "${flags.name}" has been upgraded.`);
  describe(flags.name);
}

async function status(flags: { readonly json: boolean }): Promise<void> {
  const sandboxes = (await sandboxNames()).map((name) => {
    const folder = sandboxFolder(name);
    const state = readRunState(folder);
    if (state === undefined) return { name, folder, condition: "broken" as const };
    const { phase: _, starter: __, ...others } = state;
    return { ...{ name, folder, condition: conditionOf(state) }, ...others, dead: deadProcesses(state) };
  });
  if (flags.json) {
    console.log(JSON.stringify(sandboxes, null, 2));
    return;
  }
  if (sandboxes.length === 0) console.log("There is no sandbox. Start one: npm run sandbox -- up");
  for (const sandbox of sandboxes) {
    console.log(`${sandbox.name}: ${sandbox.condition}`);
    if (sandbox.condition === "running") describe(sandbox.name);
    else if ("dead" in sandbox && sandbox.dead.length > 0)
      console.log(`  ended unexpectedly: ${sandbox.dead.join(", ")}`);
  }
}

function env(flags: { readonly name: string }): void {
  openSandbox(flags.name);
  const { PATH, ...others } = sandboxEnv(flags.name, "");
  for (const [key, value] of Object.entries(others)) console.log(`export ${key}=${quote(value)}`);
  // Prepended to the PATH of the shell that evaluates this. npm runs this process with another PATH.
  console.log(`export PATH=${quote(PATH)}"\${PATH:+:$PATH}"`);
}

function sandboxName(value: string): string {
  try {
    sandboxFolder(value);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
  return value;
}

function nameOption(): Option {
  return new Option("--name <name>", "the sandbox; several run side by side")
    .default(DEFAULT_NAME)
    .argParser(sandboxName);
}

const program = new Command("sandbox").description(
  "A real Kubernetes control plane on this machine, with Trustee and without Docker.",
);

program
  .command("up")
  .description("start a sandbox, or use the running one")
  .addOption(nameOption())
  .addOption(
    new Option("--trustee <generation>", "the generation of Trustee").choices(generations).default("0.18"),
  )
  .option("--red-hat", "use Red Hat's operator: 1.1 for Trustee 0.18, 1.2 for 0.21", false)
  .option("--fresh", "install Trustee without the changes of the tutorial's earlier steps", false)
  .addOption(
    new Option("--resource-path <shape>", "the format of a resource's path in the policy's data").choices([
      "string",
      "array",
    ]),
  )
  .addOption(
    new Option("--trustee-of <name>", "a running sandbox whose Trustee the pods attest with").argParser(
      sandboxName,
    ),
  )
  .option(
    "--kubernetes-plugin <dir>",
    `use pulumi-resource-kubernetes from this folder (default: $${PLUGIN_VARIABLE})`,
  )
  .action(up);
program
  .command("down")
  .description("stop a sandbox and remove its folder")
  .addOption(nameOption())
  .option("--all", "every sandbox", false)
  .action(down);
program
  .command("upgrade")
  .description("upgrade Trustee from 0.18 to 0.21 in a running sandbox; stacks and pods stay")
  .addOption(nameOption())
  .option(
    "--stock",
    "replace policy and reference values with the operator's defaults; ignored with Red Hat's operator, which migrates them",
    false,
  )
  .action(upgrade);
program
  .command("status")
  .description("list the sandboxes")
  .option("--json", "print JSON", false)
  .action(status);
program
  .command("env")
  .description("print shell exports that point pulumi and kubectl at a sandbox, for eval")
  .addOption(nameOption())
  .action(env);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ShownError)) console.error(messageOf(error));
  process.exitCode ??= 1;
}
process.exit();
