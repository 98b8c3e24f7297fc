import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { stopSandbox } from "../../sandbox/api.ts";
import { freePorts } from "../../sandbox/state/ports.ts";
import {
  isRunning,
  type ProcessIdentity,
  startDaemon,
  startOf,
  stopDaemons,
} from "../../sandbox/state/processes.ts";
import { temporaryFolder } from "../support/folders.ts";

let folder: string;
const started: ProcessIdentity[] = [];

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await stopDaemons(started.splice(0));
  vi.unstubAllEnvs();
});

function daemon(script: string): ProcessIdentity {
  const identity = startDaemon("/bin/sh", {
    arguments: ["-c", script],
    env: { PATH: "/usr/bin:/bin", ONLY: "this" },
    cwd: folder,
    log: join(folder, "log"),
  });
  started.push(identity);
  return identity;
}

async function logged(pattern: RegExp): Promise<string> {
  for (let tries = 0; tries < 100; tries += 1) {
    const text = await readFile(join(folder, "log"), "utf8");
    if (pattern.test(text)) return text;
    await sleep(20);
  }
  throw new Error(`${String(pattern)} was not logged`);
}

test("starts a daemon that logs stdout and stderr, inherits no environment, and is killed with its children", async () => {
  const identity = daemon('echo "out $ONLY $HOME"; echo err >&2; sleep 1000 & echo "child $!"; wait');
  const log = await logged(/child \d+\n/);
  expect(log).toMatch(/^out this \nerr\nchild \d+\n$/);
  const child = Number(/child (\d+)/.exec(log)?.[1]);
  expect(isRunning(identity)).toBe(true);
  expect(startOf(child)).toBeDefined();
  await stopDaemons([identity]);
  expect(isRunning(identity)).toBe(false);
  await expect.poll(() => startOf(child)).toBeUndefined();
});

test("stops a sandbox that another release started", async () => {
  vi.stubEnv("TRUSTEE_ACCESS_HOME", folder);
  const identity = daemon("sleep 1000");
  const sandbox = join(folder, "sandboxes", "older");
  await mkdir(sandbox, { recursive: true });
  const state = { layout: 0, processes: [{ ...identity, called: "etcd" }] };
  await writeFile(join(sandbox, "run.json"), JSON.stringify(state));
  expect(await stopSandbox("older")).toBe(true);
  expect(isRunning(identity)).toBe(false);
  expect(await stopSandbox("older")).toBe(false);
});

test("does not kill a later process with a daemon's pid", async () => {
  const identity = daemon("sleep 1000");
  const earlier = { pid: identity.pid, started: `${identity.started}0` };
  expect(isRunning(earlier)).toBe(false);
  await stopDaemons([earlier]);
  expect(isRunning(identity)).toBe(true);
});

/** {@link startOf} as on a system without /proc. */
function startByPs(pid: number): string | undefined {
  const { platform } = process;
  Object.defineProperty(process, "platform", { value: "darwin" });
  try {
    return startOf(pid);
  } finally {
    Object.defineProperty(process, "platform", { value: platform });
  }
}

test("reads a start time from ps: undefined for an ended process, independent of locale and time zone", async () => {
  const [first, second] = [daemon("sleep 1000"), daemon("sleep 0.5")];
  const starts = ["UTC", "Asia/Tokyo", "America/New_York"].map((zone) => {
    vi.stubEnv("TZ", zone);
    vi.stubEnv("LC_ALL", "de_DE.UTF-8");
    return startByPs(first.pid);
  });
  expect(starts[0]).toMatch(/^[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \d{4}$/);
  expect(new Set(starts).size).toBe(1);
  await expect.poll(() => isRunning(second)).toBe(false);
  expect(startByPs(second.pid)).toBeUndefined();
});

test("reports an exited daemon as not running, and stops it without an error", async () => {
  const identity = daemon("sleep 0.5");
  await expect.poll(() => isRunning(identity)).toBe(false);
  await stopDaemons([identity, identity]);
});

test("throws if the program to start is missing", () => {
  const options = { arguments: [], env: {}, cwd: folder, log: join(folder, "log") };
  expect(() => startDaemon("/nonexistent/program", options)).toThrow(
    /\/nonexistent\/program could not be started/,
  );
});

test("finds free ports that are distinct and usable", async () => {
  const ports = await freePorts(["a", "b", "c"]);
  expect(new Set(Object.values(ports)).size).toBe(3);
  for (const port of Object.values(ports)) {
    const server = createServer().listen(port, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    await new Promise((resolve) => server.close(resolve));
  }
});
