import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, startOf, type ProcessIdentity } from "../../../sandbox/state/processes.ts";
import type { Project } from "./project.ts";

export interface EndedRun {
  /** `null`: a signal ended it. */
  readonly exitCode: number | null;
  /** Both streams, in the order in which they came. */
  readonly output: string;
}

interface Descendant extends ProcessIdentity {
  readonly command: string;
}

/** Every process that a process has started, and that these have. */
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
 * What of Pulumi's own may outlive an engine that was killed: the language host looks for its engine only every few minutes, and
 * the SDK in the program that it runs does not always end when its calls have nobody to answer them. Without an engine neither
 * can write anything. Pulumi's own Kubernetes plugin was seen to try a request again for longer than is waited for here; the
 * sandbox's replacement of it, which runs as a program of Node, has to end.
 */
const MAY_OUTLIVE = ["pulumi-language-nodejs", "@pulumi/pulumi/cmd/run", "/pulumi-resource-kubernetes"];

/** A run of pulumi that can be ended before it is done; in a process group of its own, as a shell's job is. */
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
    // Not "close": whoever it has started may hold on to its output.
    this.#ended = once(this.#child, "exit").then(([exitCode]) => ({
      exitCode: exitCode as number | null,
      output: this.#output,
    }));
  }

  /** What it has printed so far. */
  get output(): string {
    return this.#output;
  }

  /** The engine alone, with no chance to say good-bye to its plugins. */
  async kill(): Promise<void> {
    this.#started = descendants(this.#pid);
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** What ctrl-C does: the whole group gets it. */
  interrupt(): void {
    this.#started = descendants(this.#pid);
    process.kill(-this.#pid, "SIGINT");
  }

  async ended(): Promise<EndedRun> {
    return this.#ended;
  }

  /** The processes that it had started and that do not end by themselves within half a minute; all of them are ended then. */
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

  /** Ends the processes that it had started, as where the whole machine goes down. */
  killStarted(): void {
    for (const each of this.#started) if (isRunning(each)) process.kill(each.pid, "SIGKILL");
  }

  get #pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error("pulumi did not start");
    return pid;
  }
}
