import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A process, told apart from a later one that was given the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in a form that only has to be compared: boot id and clock ticks, or what `ps` prints. */
  readonly started: string;
}

/** When a running process started; undefined if there is none of that number, or only its remains (a zombie). */
export function startOf(pid: number): string | undefined {
  if (process.platform !== "linux") return startByPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [threads, ticks] = [rest[16], rest[18]];
    // The first thread of a killed process may be a zombie while others still hold its ports.
    if ((state === "Z" && Number(threads) <= 1) || state === "X" || ticks === undefined) return undefined;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${ticks}`;
  } catch {
    return undefined;
  }
}

/** {@link startOf} where there is no /proc: the time as `ps` writes it, in the same language and time zone whoever asks. */
export function startByPs(pid: number): string | undefined {
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

export interface DaemonOptions {
  readonly arguments: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Both output streams are appended to this file. */
  readonly log: string;
}

/**
 * Starts a program that outlives this process, as the leader of its own process group and session.
 * @throws Error if it cannot be started at all
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
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

async function ended(identities: readonly ProcessIdentity[], patience: number): Promise<boolean> {
  for (let waited = 0; waited < patience; waited += 20) {
    if (!identities.some(isRunning)) return true;
    await sleep(20);
  }
  return false;
}

/** Asks the process that is starting a sandbox to give up, and ends it if it does not within ten seconds. */
export async function endStarter(identity: ProcessIdentity): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!isRunning(identity)) return;
    process.kill(identity.pid, signal);
    if (await ended([identity], 10_000)) return;
  }
}

/**
 * Ends daemons with all processes of their groups, at once: what they would save is deleted anyway.
 * A process that has meanwhile been given one of these numbers is left alone.
 * @throws Error naming what is still running after five seconds
 */
export async function stopDaemons(identities: readonly ProcessIdentity[]): Promise<void> {
  for (const identity of identities) signalGroup(identity, "SIGKILL");
  if (await ended(identities, 5000)) return;
  const left = identities.filter(isRunning).map((identity) => identity.pid);
  throw new Error(`These processes did not end when killed: ${left.join(", ")}`);
}
