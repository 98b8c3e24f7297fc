import { Command, InvalidArgumentError, Option } from "commander";
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
import { conditionOf, deadProcesses, readRunState, sandboxNames } from "./state/run-state.ts";
import { describeTrusteeOf } from "./trustee-of.ts";

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

/** What to type so that the shell works against a sandbox. */
function evalLine(name: string): string {
  return `eval "$(npm run -s sandbox -- env${name === DEFAULT_NAME ? "" : ` --name ${name}`})"`;
}

/** A step failed, which the progress display has shown. */
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
  if (sandbox.trusteeOf !== undefined)
    console.log(`  Pods attest with   ${describeTrusteeOf(sandbox.trusteeOf)}`);
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
    const { trustee, operator, fresh, resourcePath, trusteeOf, kubernetesPlugin, ports, processes } = state;
    const [condition, dead] = [conditionOf(state), deadProcesses(state)];
    return {
      name,
      folder,
      condition,
      trustee,
      operator,
      fresh,
      resourcePath,
      trusteeOf,
      kubernetesPlugin,
      ports,
      processes,
      dead,
    };
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
      console.log(`  ended by themselves: ${sandbox.dead.join(", ")}`);
  }
}

function env(flags: { readonly name: string }): void {
  openSandbox(flags.name);
  const { PATH, ...others } = sandboxEnv(flags.name, "");
  for (const [key, value] of Object.entries(others)) console.log(`export ${key}=${quote(value)}`);
  // In front of the PATH of the shell that evaluates this; npm's own differs from it.
  console.log(`export PATH=${quote(PATH)}"\${PATH:+:$PATH}"`);
}

function sandboxName(value: string): string {
  try {
    sandboxFolder(value);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : "");
  }
  return value;
}

function nameOption(): Option {
  return new Option("--name <name>", "which sandbox; several run side by side")
    .default(DEFAULT_NAME)
    .argParser(sandboxName);
}

const program = new Command("sandbox").description(
  "A real Kubernetes control plane on this machine, with Trustee installed in it and no Docker.",
);

program
  .command("up")
  .description("start a sandbox, or take the one that runs already")
  .addOption(nameOption())
  .addOption(new Option("--trustee <generation>", "which Trustee").choices(generations).default("0.18"))
  .option("--red-hat", "Red Hat's operator: 1.1 where Trustee is 0.18, 1.2 where it is 0.21", false)
  .option("--fresh", "Trustee just as its operator installs it, without the tutorial's earlier steps", false)
  .addOption(
    new Option("--resource-path <shape>", "how the KBS hands a resource's path to the policy").choices([
      "string",
      "array",
    ]),
  )
  .addOption(
    new Option(
      "--trustee-of <name>",
      "another sandbox that runs, whose Trustee the pods attest with instead of their own",
    ).argParser(sandboxName),
  )
  .option(
    "--kubernetes-plugin <dir>",
    `take pulumi-resource-kubernetes from this folder (else $${PLUGIN_VARIABLE})`,
  )
  .action(up);
program
  .command("down")
  .description("end a sandbox and remove all of it")
  .addOption(nameOption())
  .option("--all", "every sandbox", false)
  .action(down);
program
  .command("upgrade")
  .description("bring Trustee from 0.18 to 0.21 in a sandbox that runs, under whatever is in it")
  .addOption(nameOption())
  .option(
    "--stock",
    "as if the policy's and the reference values' ConfigMaps had been deleted: the operator makes them anew (Red Hat's does so anyway)",
    false,
  )
  .action(upgrade);
program
  .command("status")
  .description("which sandboxes there are")
  .option("--json", "as JSON", false)
  .action(status);
program
  .command("env")
  .description("print shell exports, for eval, with which pulumi and kubectl work against a sandbox")
  .addOption(nameOption())
  .action(env);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ShownError)) console.error(error instanceof Error ? error.message : String(error));
  process.exitCode ??= 1;
}
process.exit();
