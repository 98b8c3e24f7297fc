import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A process. The start time distinguishes it from a later process with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** The start time, as an opaque text: boot id and clock ticks, or the output of `ps`. */
  readonly started: string;
}

/** The start time of a process; undefined if there is no process with that pid, or only a zombie. */
export function startOf(pid: number): string | undefined {
  if (process.platform !== "linux") return startByPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [threads, ticks] = [rest[16], rest[18]];
    // The main thread of a killed process can be a zombie while other threads still hold its ports.
    if ((state === "Z" && Number(threads) <= 1) || state === "X" || ticks === undefined) return undefined;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${ticks}`;
  } catch {
    return undefined;
  }
}

/** {@link startOf} without /proc: the output of `ps`, in a fixed locale and time zone. */
function startByPs(pid: number): string | undefined {
  try {
    const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
    const args = ["-o", "stat=,lstart=", "-p", String(pid)];
    const line = execFileSync("ps", args, { encoding: "utf8", env }).trim();
    const [state = "", ...start] = line.split(/\s+/);
    return line === "" || state.startsWith("Z") ? undefined : start.join(" ");
  } catch {
    return undefined;
  }
}

export function isRunning(identity: ProcessIdentity): boolean {
  return startOf(identity.pid) === identity.started;
}

/** @throws Error if the start time cannot be read */
export function thisProcess(): ProcessIdentity {
  const started = startOf(process.pid);
  if (started === undefined) throw new Error("cannot read the start time of this process");
  return { pid: process.pid, started };
}

/** Whether an error has that `code`: a system error's name, or the HTTP status of an API error. */
export function hasCode(error: unknown, code: string | number): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

interface DaemonOptions {
  readonly arguments: readonly string[];
  /** The complete environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** stdout and stderr are appended to this file. */
  readonly log: string;
}

/**
 * Starts a program that outlives this process, in its own session and process group.
 * @throws Error if it cannot be started
 */
export function startDaemon(program: string, options: DaemonOptions): ProcessIdentity {
  const log = openSync(options.log, "a", 0o600);
  try {
    const child = spawn(program, options.arguments, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ["ignore", log, log],
    });
    child.on("error", () => undefined);
    const { pid } = child;
    const started = pid === undefined ? undefined : startOf(pid);
    child.unref();
    if (pid === undefined || started === undefined)
      throw new Error(`${program} could not be started; see ${options.log}`);
    return { pid, started };
  } finally {
    closeSync(log);
  }
}

function signalGroup(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isRunning(identity)) return;
  try {
    process.kill(-identity.pid, signal);
  } catch (error) {
    if (!hasCode(error, "ESRCH")) throw error;
  }
}

async function ended(identities: readonly ProcessIdentity[], patience: number): Promise<boolean> {
  for (let waited = 0; waited < patience; waited += 20) {
    if (!identities.some(isRunning)) return true;
    await sleep(20);
  }
  return false;
}

/** Sends SIGTERM to the process that is starting a sandbox, and SIGKILL after ten seconds. */
export async function endStarter(identity: ProcessIdentity): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!isRunning(identity)) return;
    process.kill(identity.pid, signal);
    if (await ended([identity], 10_000)) return;
  }
}

/**
 * Kills daemons with their process groups. They get no time to save data, because it is deleted anyway. A
 * later process with the same pid is not killed.
 * @throws Error that lists the processes still running after five seconds
 */
export async function stopDaemons(identities: readonly ProcessIdentity[]): Promise<void> {
  for (const identity of identities) signalGroup(identity, "SIGKILL");
  if (await ended(identities, 5000)) return;
  const left = identities.filter(isRunning).map((identity) => identity.pid);
  throw new Error(`These processes did not end when killed: ${left.join(", ")}`);
}
