import { connect } from "node:net";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { beforeAll, describe, expect, test } from "vitest";
import { openSandbox } from "../../../sandbox/api.ts";
import { PLUGIN_VARIABLE } from "../../../sandbox/pulumi/kubernetes-plugin.ts";
import { repositoryFolder, sandboxFolder, sandboxesFolder } from "../../../sandbox/state/folders.ts";
import { KUBERNETES_PLUGIN_VERSION } from "../../../sandbox/tools/catalog.ts";
import { isRunning } from "../../../sandbox/state/processes.ts";
import { readRunState, type RunState } from "../../../sandbox/state/run-state.ts";
import { toolPath } from "../../support/tools.ts";
import { BUILD_TIMEOUT, eventually, ownHome } from "./support.ts";

const program = join(repositoryFolder, "sandbox", "main.ts");

/** `npm run sandbox -- ...`, without npm. */
function sandbox(...args: readonly string[]) {
  return execa(process.execPath, [program, ...args], { reject: false });
}

async function expectFailure(args: readonly string[], message: string): Promise<void> {
  const { exitCode, stderr } = await sandbox(...args);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
}

function stateOf(name: string): RunState {
  const state = readRunState(sandboxFolder(name));
  if (state === undefined) throw new Error(`the sandbox ${name} does not exist`);
  return state;
}

async function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}

/** The processes and files that a sandbox in this state has left. */
async function leftovers(state: RunState): Promise<readonly string[]> {
  const processes = state.processes.filter(isRunning).map(({ name }) => `process ${name}`);
  const ports = await Promise.all(
    Object.entries(state.ports).map(async ([name, port]) => ((await listens(port)) ? [`port ${name}`] : [])),
  );
  const folders = (await readdir(sandboxesFolder())).filter((name) => name === state.name);
  return [...processes, ...ports.flat(), ...folders];
}

/** The state of a sandbox once its start has begun all processes. */
async function halfStarted(name: string): Promise<RunState> {
  await eventually(
    async () => Promise.resolve(readRunState(sandboxFolder(name))?.processes.length ?? 0),
    (count) => count >= 6,
  );
  return stateOf(name);
}

beforeAll(async () => ownHome());

/** A folder with a Kubernetes plugin that records its starts in a file. */
interface TracedPlugin {
  readonly folder: string;
  readonly trace: string;
}

async function tracedPlugin(): Promise<TracedPlugin> {
  const folder = await mkdtemp(join(tmpdir(), "trustee-access-plugin-"));
  const trace = join(folder, "trace");
  const plugin = await toolPath("pulumi-resource-kubernetes");
  const script = `#!/bin/sh\necho started >> '${trace}'\nexec '${plugin}' "$@"\n`;
  await writeFile(join(folder, "pulumi-resource-kubernetes"), script, { mode: 0o755 });
  return { folder, trace };
}

/** A Pulumi program with one ConfigMap, in its own folder. */
async function smallProgram(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "trustee-access-program-"));
  await symlink(join(repositoryFolder, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module", main: "index.js" }));
  await writeFile(join(folder, "Pulumi.yaml"), "name: small\nruntime: nodejs\n");
  const program =
    'import * as k8s from "@pulumi/kubernetes";\n' +
    'new k8s.core.v1.ConfigMap("it", { metadata: { name: "by-the-plugin", namespace: "default" } });\n';
  await writeFile(join(folder, "index.js"), program);
  return folder;
}

describe("two sandboxes at the same time", { timeout: BUILD_TIMEOUT }, () => {
  let plugins: Readonly<Record<"one" | "two", TracedPlugin>>;

  test("are started by the command, each with its own Trustee and ports", async () => {
    plugins = { one: await tracedPlugin(), two: await tracedPlugin() };
    const one = await sandbox("up", "--name", "one", "--kubernetes-plugin", plugins.one.folder);
    expect(one.exitCode, one.stderr).toBe(0);
    expect(one.stdout).toContain('The sandbox "one" runs');
    expect(one.stdout).toMatch(/Kubernetes plugin {2}\S.*/);
    const two = await execa(
      process.execPath,
      [program, "up", "--name", "two", "--trustee", "0.21", "--fresh"],
      {
        reject: false,
        env: { [PLUGIN_VARIABLE]: plugins.two.folder },
      },
    );
    expect(two.exitCode, two.stderr).toBe(0);
    const ports = [stateOf("one"), stateOf("two")].flatMap((state) => Object.values(state.ports));
    expect(new Set(ports).size).toBe(10);
    const listening = await Promise.all(ports.map(async (port) => listens(port)));
    expect(listening).toEqual(ports.map(() => true));
  });

  test("are listed by status", async () => {
    const { stdout } = await sandbox("status", "--json");
    const listed = JSON.parse(stdout) as readonly Record<string, unknown>[];
    expect(listed).toMatchObject([
      { name: "one", condition: "running", trustee: "0.18", fresh: false, resourcePath: "string", dead: [] },
      { name: "two", condition: "running", trustee: "0.21", fresh: true, resourcePath: "array", dead: [] },
    ]);
  });

  test.each([
    { name: "one", how: "the option" },
    { name: "two", how: "the variable" },
  ] as const)(
    "use the Kubernetes plugin in a folder, and show it in status: $name, by $how",
    async ({ name }) => {
      const { folder, trace } = plugins[name];
      const kubernetesPlugin = {
        version: KUBERNETES_PLUGIN_VERSION,
        source: `pulumi-resource-kubernetes v${KUBERNETES_PLUGIN_VERSION} from ${folder}`,
      };
      expect(stateOf(name).kubernetesPlugin).toEqual(kubernetesPlugin);
      const listed = JSON.parse((await sandbox("status", "--json")).stdout) as readonly {
        readonly name: string;
      }[];
      expect(listed.find((one) => one.name === name)).toMatchObject({ kubernetesPlugin });
      expect((await sandbox("status")).stdout).toContain(`  Kubernetes plugin  ${kubernetesPlugin.source}\n`);
      // Pulumi starts it once, to read its version.
      expect(await readFile(trace, "utf8")).toBe("started\n");
      await rm(trace);
      const project = await smallProgram();
      const running = openSandbox(name);
      for (const args of [
        ["stack", "init", "small"],
        ["up", "--yes", "--skip-preview"],
      ]) {
        const { exitCode, stdout, stderr } = await running.pulumi(args, { cwd: project });
        expect({ exitCode, said: exitCode === 0 ? "" : stdout + stderr }).toEqual({ exitCode: 0, said: "" });
      }
      expect(await readFile(trace, "utf8")).toMatch(/^(started\n)+$/);
      const found = await running.kubectl([
        "get",
        "configmap",
        "by-the-plugin",
        "-n",
        "default",
        "-o",
        "name",
      ]);
      expect(found.stdout).toBe("configmap/by-the-plugin\n");
      await rm(project, { recursive: true, force: true });
    },
  );

  test("export the environment for pulumi and kubectl", async () => {
    const { stdout: exports } = await sandbox("env", "--name", "two");
    const script = `${exports}
kubectl get kbsconfig -n trustee-operator-system -o name && pulumi whoami && pulumi version && node --version`;
    const { stdout } = await execa("/bin/sh", ["-ec", script], { cwd: "/" });
    expect(stdout.split("\n")).toEqual([
      "kbsconfig.confidentialcontainers.org/trusteeconfig-kbs-config",
      expect.stringMatching(/./),
      expect.stringMatching(/^v3\./),
      expect.stringMatching(/^v24\./),
    ]);
  });

  test("are reused by a second up, which is an error with other options", async () => {
    const before = stateOf("one");
    const again = await sandbox("up", "--name", "one");
    expect([again.exitCode, again.stdout]).toEqual([
      0,
      expect.stringContaining('The sandbox "one" runs already.'),
    ]);
    expect(stateOf("one")).toEqual(before);
    await expectFailure(["up", "--name", "one", "--trustee", "0.21"], "runs with trustee 0.18, not 0.21");
  });

  test("are reported as broken without one of their processes, and made anew by up", async () => {
    const before = stateOf("one");
    const scheduler = before.processes.find(({ name }) => name === "kube-scheduler");
    process.kill(scheduler?.pid ?? 0, "SIGKILL");
    await sleep(200);
    expect((await sandbox("status")).stdout).toContain("one: broken\n  ended unexpectedly: kube-scheduler");
    expect((await sandbox("up", "--name", "one")).exitCode).toBe(0);
    expect(before.processes.filter(isRunning)).toEqual([]);
    const { processes, kubernetesPlugin } = stateOf("one");
    expect(processes.every(isRunning)).toBe(true);
    // Without the option, it has another plugin than before.
    expect(kubernetesPlugin?.source).toContain("pulumi-resource-kubernetes");
    expect(kubernetesPlugin?.source).not.toContain(plugins.one.folder);
  });

  test("are stopped one by one, and leave nothing", async () => {
    const [one, two] = [stateOf("one"), stateOf("two")];
    expect((await sandbox("down", "--name", "one")).stdout).toBe('The sandbox "one" is gone.');
    expect(await leftovers(one)).toEqual([]);
    expect(two.processes.every(isRunning)).toBe(true);
    expect((await sandbox("down", "--all")).stdout).toBe('The sandbox "two" is gone.');
    expect(await leftovers(two)).toEqual([]);
    expect((await sandbox("down", "--name", "two")).stdout).toBe('There is no sandbox "two".');
    expect((await sandbox("env", "--name", "two")).exitCode).toBe(1);
  });
});

describe("an interrupted start", { timeout: BUILD_TIMEOUT }, () => {
  test.each(["SIGINT", "SIGTERM"] as const)("removes what it started after %s", async (signal) => {
    const up = sandbox("up", "--name", "cut");
    const state = await halfStarted("cut");
    up.kill(signal);
    expect((await up).exitCode).toBe(signal === "SIGINT" ? 130 : 143);
    expect(await leftovers(state)).toEqual([]);
  });

  test("is removed by down after SIGKILL", async () => {
    const up = sandbox("up", "--name", "killed");
    const state = await halfStarted("killed");
    up.kill("SIGKILL");
    await up;
    expect(state.processes.every(isRunning)).toBe(true);
    expect((await sandbox("status")).stdout).toContain("killed: broken");
    expect((await sandbox("down", "--name", "killed")).exitCode).toBe(0);
    expect(await leftovers(state)).toEqual([]);
  });

  test("removes itself after a down from another process", async () => {
    const up = sandbox("up", "--name", "raced");
    const state = await halfStarted("raced");
    await expectFailure(["up", "--name", "raced"], "is being started by process");
    await sandbox("down", "--name", "raced");
    expect((await up).exitCode).toBe(143);
    expect(await leftovers(state)).toEqual([]);
  });
});

test("rejects an invalid name", async () => {
  await expectFailure(["up", "--name", "../x"], 'The sandbox name "../x" is not allowed');
});

test("rejects a folder without the Kubernetes plugin before the start", async () => {
  await expectFailure(
    ["up", "--name", "plugin", "--kubernetes-plugin", repositoryFolder],
    `There is no pulumi-resource-kubernetes in "${repositoryFolder}"`,
  );
  expect(await readdir(sandboxesFolder())).not.toContain("plugin");
});
