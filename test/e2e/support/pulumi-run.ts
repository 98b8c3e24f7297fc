import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, startOf, type ProcessIdentity } from "../../../sandbox/state/processes.ts";
import type { Project } from "./project.ts";

export interface EndedRun {
  /** `null`: a signal ended it. */
  readonly exitCode: number | null;
  /** Both streams, interleaved. */
  readonly output: string;
}

interface Descendant extends ProcessIdentity {
  readonly command: string;
}

/** Every process that a process has started, directly or not. */
function descendants(root: number): readonly Descendant[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" }).trim().split("\n");
  const processes = lines.map((line) => {
    const [pid = "", ppid = "", ...command] = line.trim().split(/\s+/);
    return { pid: Number(pid), ppid: Number(ppid), command: command.join(" ") };
  });
  const found: { readonly pid: number; readonly command: string }[] = [{ pid: root, command: "" }];
  for (const parent of found) found.push(...processes.filter(({ ppid }) => ppid === parent.pid));
  return found.slice(1).flatMap(({ pid, command }) => {
    const started = startOf(pid);
    return started === undefined ? [] : [{ pid, started, command }];
  });
}

/**
 * Pulumi's own processes that may outlive a killed engine; without an engine they cannot write. The language
 * host checks for its engine every few minutes only. The SDK does not always end when the engine stops
 * answering. The Kubernetes plugin may retry a request for longer than {@link PulumiRun.leftovers} waits.
 */
const MAY_OUTLIVE = ["pulumi-language-nodejs", "@pulumi/pulumi/cmd/run", "/pulumi-resource-kubernetes"];

/** A run of pulumi that a test can interrupt. It has its own process group, like a job of a shell. */
export class PulumiRun {
  readonly #child: ChildProcess;
  readonly #ended: Promise<EndedRun>;
  #output = "";
  #started: readonly Descendant[] = [];

  constructor(project: Project, ...args: readonly string[]) {
    this.#child = spawn("pulumi", ["--non-interactive", "--color=never", ...args, "--stack", project.stack], {
      cwd: project.folder,
      env: { ...process.env, ...project.env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const append = (chunk: Buffer): void => {
      this.#output += chunk.toString();
    };
    this.#child.stdout?.on("data", append);
    this.#child.stderr?.on("data", append);
    // Not "close": a child process may keep the output open.
    this.#ended = once(this.#child, "exit").then(([exitCode]) => ({
      exitCode: exitCode as number | null,
      output: this.#output,
    }));
  }

  /** The output so far. */
  get output(): string {
    return this.#output;
  }

  /** Kills the engine alone, which then cannot stop its plugins. */
  async kill(): Promise<void> {
    this.#started = descendants(this.#pid);
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** Like ctrl-C: signals the whole process group. */
  interrupt(): void {
    this.#started = descendants(this.#pid);
    process.kill(-this.#pid, "SIGINT");
  }

  async ended(): Promise<EndedRun> {
    return this.#ended;
  }

  /** The child processes that still run after 30 seconds; kills them. */
  async leftovers(): Promise<readonly string[]> {
    const running = (): readonly Descendant[] =>
      this.#started.filter(
        (each) => isRunning(each) && !MAY_OUTLIVE.some((program) => each.command.includes(program)),
      );
    for (const end = Date.now() + 30_000; running().length > 0 && Date.now() < end;) await sleep(100);
    const left = running().map(({ command }) => command);
    this.killStarted();
    return left;
  }

  /** Kills all child processes, as if the machine had failed. */
  killStarted(): void {
    for (const each of this.#started) if (isRunning(each)) process.kill(each.pid, "SIGKILL");
  }

  get #pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error("pulumi did not start");
    return pid;
  }
}
