import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openSandbox, stopSandbox } from "../../sandbox/api.ts";
import { sandboxFolder, sandboxesFolder } from "../../sandbox/state/folders.ts";
import { startOf, thisProcess } from "../../sandbox/state/processes.ts";
import { readRunState, writeRunState, type RunState } from "../../sandbox/state/run-state.ts";
import { eventually, ownHome } from "../sandbox/live/support.ts";
import { patchKey, restartKbs } from "./support/cluster.ts";

const NAME = "demo";

let removeHome: () => Promise<void>;
const started: ChildProcess[] = [];

beforeAll(async () => {
  removeHome = await ownHome();
});
/** Cleans up after a failed test. */
afterEach(async () => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  await stopSandbox(NAME);
  for (const line of processes()) {
    const pid = Number.parseInt(line, 10);
    if (startOf(pid) !== undefined) process.kill(pid, "SIGKILL");
  }
});
afterAll(async () => {
  await removeHome();
});

interface Ended {
  readonly exitCode: number | null;
  readonly output: string;
}

/**
 * `npm run demo -- ...` without npm and the installation. It has its own process group, like a job of a
 * shell.
 */
class Demo {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  output = "";

  constructor(...args: readonly string[]) {
    const stdio = ["ignore", "pipe", "pipe"] as const;
    this.#child = spawn(process.execPath, ["sandbox/demo/main.ts", ...args], {
      detached: true,
      stdio: [...stdio],
    });
    started.push(this.#child);
    const append = (chunk: Buffer): void => {
      this.output += chunk.toString();
    };
    this.#child.stdout?.on("data", append);
    this.#child.stderr?.on("data", append);
    this.#ended = once(this.#child, "close");
  }

  /**
   * Waits for a match in the output.
   * @throws Error if the demo ends before
   */
  async prints(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.output)) {
      if (this.#child.exitCode !== null)
        throw new Error(`The demo ended before the output matched:\n${this.output}`);
      await sleep(50);
    }
  }

  /** Like ctrl-C: signals the whole process group. */
  interrupt(): void {
    if (this.#child.pid !== undefined) process.kill(-this.#child.pid, "SIGINT");
  }

  async ended(): Promise<Ended> {
    await this.#ended;
    return { exitCode: this.#child.exitCode, output: this.output };
  }
}

/**
 * Every process with this file's home in its command line or environment. All processes of a demo have it.
 */
function processes(): readonly string[] {
  const home = process.env["TRUSTEE_ACCESS_HOME"] ?? "";
  const env = { PATH: process.env["PATH"] ?? "" };
  const lines = execFileSync("ps", ["axeww", "-o", "pid=,args="], { encoding: "utf8", env }).split("\n");
  return lines.filter((line) => line.includes(home)).map((line) => line.trim().slice(0, 120));
}

/** Expects that no process (and so no port) and no folder of the sandbox is left. */
async function expectNothingLeft(): Promise<void> {
  for (const end = Date.now() + 5000; processes().length > 0 && Date.now() < end;) await sleep(100);
  expect(processes()).toEqual([]);
  expect(await readdir(sandboxesFolder())).toEqual([]);
}

function runState(): RunState {
  const state = readRunState(sandboxFolder(NAME));
  if (state === undefined) throw new Error(`there is no sandbox ${NAME}`);
  return state;
}

/** The pods' lines of the last table: each pod's cells as verify shows them. */
function cellLines(output: string): readonly string[] {
  const lines = output.split("\n").filter((line) => line.startsWith("│ default/pod"));
  return lines.map((line) =>
    line
      .split("│")
      .map((cell) => cell.trim())
      .join("|"),
  );
}

const nineCells = [
  "|default/pod1|✓ read|✓ read|✗ denied by the policy|",
  "|default/pod2|✗ denied by the policy|✓ read|✓ read|",
  "|default/pod3|✗ denied by the policy|✓ read|✗ denied by the policy|",
];
const lookAround = `The sandbox "${NAME}" still runs. Look around:
  eval "$(npm run -s sandbox -- env --name ${NAME})"`;

test("does not touch a sandbox that another process is starting", async () => {
  await mkdir(sandboxesFolder(), { recursive: true });
  const state: RunState = {
    ...{
      name: NAME,
      trustee: "0.18",
      operator: "upstream",
      fresh: false,
      resourcePath: "string",
      phase: "starting",
    },
    ...{ starter: thisProcess(), ports: {}, processes: [] },
  };
  writeRunState(sandboxFolder(NAME), state);
  const { exitCode, output } = await new Demo().ended();
  expect([exitCode, output]).toEqual([
    1,
    expect.stringContaining(`is being started by process ${process.pid}: wait for it, or end it.`),
  ]);
  expect(runState()).toEqual(state);
  await rm(sandboxFolder(NAME), { recursive: true });
});

test("shows the nine cells and a preview without changes, and leaves nothing", async () => {
  const { exitCode, output } = await new Demo().ended();
  expect([exitCode, output]).toEqual([
    0,
    expect.stringContaining("All nine cells and the no-change preview are right ("),
  ]);
  expect(cellLines(output)).toEqual(nineCells);
  expect(output).toContain("npm run demo -- --keep");
  await expectNothingLeft();
});

test("leaves nothing after ctrl-C during the start", async () => {
  const demo = new Demo();
  await eventually(
    async () => Promise.resolve(readRunState(sandboxFolder(NAME))?.processes.length ?? 0),
    (count) => count > 0,
  );
  demo.interrupt();
  expect(await demo.ended()).toEqual({
    exitCode: 130,
    output: expect.stringMatching(/Interrupted after \d+ s; the sandbox has been removed\.\n$/) as string,
  });
  await expectNothingLeft();
});

test.each([
  ["pulumi up", /trustee:index:\w+ \S+ creating/],
  ["verify", /\n\$ node cli\/trustee-access\.mjs verify/],
])("leaves nothing after ctrl-C during %s, even with --keep", async (_, moment) => {
  const demo = new Demo("--keep");
  await demo.prints(moment);
  demo.interrupt();
  expect(await demo.ended()).toEqual({
    exitCode: 130,
    output: expect.stringMatching(/Interrupted after \d+ s; the sandbox has been removed\.\n$/) as string,
  });
  await expectNothingLeft();
});

test("keeps the sandbox with --keep; a later demo uses and keeps it", async () => {
  const kept = await new Demo("--keep").ended();
  expect([kept.exitCode, kept.output]).toEqual([0, expect.stringContaining(lookAround)]);
  const state = runState();
  const sandbox = openSandbox(NAME);

  const refused = await new Demo("--trustee", "0.21").ended();
  expect(refused).toEqual({
    exitCode: 1,
    output: expect.stringContaining(
      `The sandbox "${NAME}" runs with trustee 0.18, not 0.21. End it first (npm run sandbox -- down --name ${NAME}), or give another --name.`,
    ) as string,
  });
  expect(openSandbox(NAME).env).toEqual(sandbox.env);
  expect(runState()).toEqual(state);

  // Opens a cell behind Pulumi's back: verify reports it, the demo fixes it.
  const allowAll = "package policy\ndefault allow = true\n";
  await patchKey(sandbox, "trusteeconfig-resource-policy", "policy.rego", allowAll);
  await restartKbs(sandbox);
  const verify = ["cli/trustee-access.mjs", "verify", "--stack", "dev"];
  const seen = spawn(process.execPath, verify, {
    env: { ...process.env, ...sandbox.env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let table = "";
  seen.stdout.on("data", (chunk: Buffer) => (table += chunk.toString()));
  await once(seen, "close");
  expect([seen.exitCode, table]).toEqual([
    1,
    expect.stringContaining("4 of 9 cells differ from the stack's access matrix."),
  ]);
  const fixed = await new Demo().ended();
  expect([fixed.exitCode, cellLines(fixed.output)]).toEqual([0, nineCells]);
  expect(fixed.output).toContain(`The sandbox "${NAME}" runs already: the demo uses it and keeps it.`);
  expect(fixed.output).toContain(lookAround);
  expect(runState()).toEqual(state);

  // A cell that stays wrong: pod3 seems to read a secret that it must not read.
  const kubectl = join(sandboxFolder(NAME), "bin", "kubectl");
  const real = `${kubectl}-real`;
  await rm(real, { force: true });
  execFileSync("mv", [kubectl, real]);
  await writeFile(
    kubectl,
    `#!/bin/sh\ncase "$*" in\n  *exec*pod3*p2-secret/secret*) echo leaked;;\n  *) exec "${real}" "$@";;\nesac\n`,
  );
  await chmod(kubectl, 0o755);
  const failed = await new Demo("--keep").ended();
  expect([failed.exitCode, failed.output]).toEqual([
    1,
    expect.stringContaining("1 of 9 cells differs from the stack's access matrix."),
  ]);
  expect(failed.output).toMatch(/\nThe demo failed after \d+ s\.\n/);
  expect(failed.output).toContain(lookAround);
  expect(runState()).toEqual(state);

  await stopSandbox(NAME);
  await expectNothingLeft();
});
