import { Command, Option } from "commander";
import { execa, ExecaError } from "execa";
import { Listr } from "listr2";
import { generations, type Generation } from "../core/trustee/generation.ts";
import { openSandbox, startSteps, stopSandbox, type Sandbox } from "../sandbox/api.ts";
import { initDataTable, nextSteps } from "./show.ts";

interface Options {
  readonly name: string;
  readonly trustee: Generation;
  readonly kubernetesPlugin?: string;
  readonly keep: boolean;
}

const PROJECT = new URL("..", import.meta.url).pathname;
const STACK = "dev";

/** Starts the sandbox with a line for each step; a first start builds its tools, and says so. */
async function startSandbox(options: Options): Promise<Sandbox> {
  const steps = await startSteps(options);
  const tasks = new Listr(
    steps.map((step) => ({
      title: step.title,
      task: async (_, task) =>
        step.run((detail) => {
          task.output = detail;
        }),
      rendererOptions: { persistentOutput: true },
    })),
  );
  await tasks.run();
  return openSandbox(options.name);
}

/** Runs a command as a person would see it, in the sandbox's environment. */
async function show(sandbox: Sandbox, command: string, args: readonly string[]): Promise<void> {
  console.log(`\n$ ${[command, ...args].join(" ")}`);
  await execa(command, args, { cwd: PROJECT, env: sandbox.env, stdio: ["ignore", "inherit", "inherit"] });
}

async function stackOutput(sandbox: Sandbox): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await sandbox.pulumi(["stack", "output", "initData", "--json", "--stack", STACK], {
    cwd: PROJECT,
  });
  return JSON.parse(stdout) as Readonly<Record<string, string>>;
}

/** The tutorial, end to end: up, the nine cells by exec, and a preview that has nothing to change. */
async function runTutorial(sandbox: Sandbox): Promise<void> {
  const plugin = sandbox.kubernetesPlugin;
  console.log(`\nKubernetes plugin: ${plugin.source}`);
  await show(sandbox, "pulumi", ["stack", "select", "--create", STACK]);
  await show(sandbox, "pulumi", ["up", "--yes", "--stack", STACK, "--suppress-outputs"]);
  console.log(`\n${initDataTable(await stackOutput(sandbox))}`);
  await show(sandbox, "node", ["cli/verify.ts", "--stack", STACK]);
  await show(sandbox, "pulumi", ["preview", "--expect-no-changes", "--stack", STACK, "--suppress-outputs"]);
}

async function cleanUp(sandbox: Sandbox): Promise<void> {
  await show(sandbox, "pulumi", ["destroy", "--yes", "--stack", STACK, "--suppress-outputs"]);
  await sandbox.stop();
}

async function demo(options: Options): Promise<void> {
  const started = performance.now();
  console.log(
    "The tutorial on an embedded cluster. The first time builds the sandbox's tools, which takes minutes.\n",
  );
  let failed = false;
  try {
    const sandbox = await startSandbox(options);
    await runTutorial(sandbox);
    if (!options.keep) await cleanUp(sandbox);
  } catch (error) {
    failed = true;
    console.error(`\n${error instanceof ExecaError ? error.shortMessage : String(error)}`);
  } finally {
    if (!options.keep) await stopSandbox(options.name);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    failed
      ? `\nThe demo failed after ${seconds} s.`
      : `\nAll nine cells and the no-change preview are right (${seconds} s).`,
  );
  if (!failed) console.log(nextSteps(options));
  process.exitCode = failed ? 1 : 0;
}

/** ctrl-C leaves nothing behind: the sandbox ends with all its processes. */
function endOnSignal(options: Options): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      void stopSandbox(options.name).finally(() => process.exit(130));
    });
  }
}

await new Command("demo")
  .description("Runs the tutorial end to end on an embedded cluster, and cleans up.")
  .option("--name <name>", "the sandbox's name", "demo")
  .addOption(
    new Option("--trustee <generation>", "the generation of Trustee").choices(generations).default("0.18"),
  )
  .option("--kubernetes-plugin <dir>", "take the real pulumi-resource-kubernetes from this folder")
  .option("--keep", "keep the sandbox and the stack, and say how to look around", false)
  .action(async (options: Options) => {
    endOnSignal(options);
    await demo(options);
  })
  .parseAsync();
