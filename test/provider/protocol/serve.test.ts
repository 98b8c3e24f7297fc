import providerpb from "@pulumi/pulumi/proto/provider_pb.js";
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { decodeMap } from "../../../provider/protocol/wire.ts";
import { ask, connect, methods } from "./client.ts";
import { fakeEngine } from "./fake-engine.ts";
import { createRequest, failure, urn } from "./harness.ts";

const fixture = fileURLToPath(new URL("fixture-provider.ts", import.meta.url));
const started: ChildProcess[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** Starts the fixture as the engine starts a plugin, and reads the port. */
async function start(args: readonly string[], stdin: "pipe" | "ignore" = "pipe") {
  const stdio: StdioOptions = [stdin, "pipe", "pipe"];
  const child = spawn(process.execPath, [fixture, ...args], { stdio });
  started.push(child);
  const output: string[] = [];
  const errors: string[] = [];
  if (child.stdout === null || child.stderr === null) throw new Error("no pipes");
  const lines = createInterface(child.stdout);
  lines.on("line", (line) => output.push(line));
  createInterface(child.stderr).on("line", (line) => errors.push(line));
  await once(lines, "line");
  return { child, output, errors, client: connect(Number(output[0])), ended: once(child, "exit") };
}

const create = (client: ReturnType<typeof connect>, name: string) =>
  ask(client, methods.create, createRequest(name));

describe("a plugin process", () => {
  test("prints only its port, even if the console is used", async () => {
    const { client, output, errors, child } = await start([]);
    const created = await create(client, "any");
    expect(created.getId()).toBe(String(child.pid));
    expect(decodeMap(created.getProperties())).toStrictEqual({});
    expect(output).toStrictEqual([String(Number(output[0]))]);
    while (errors.length === 0) await sleep(1);
    expect(errors).toStrictEqual(["noise on the console"]);
    client.close();
  });

  test.each([
    ["throws-elsewhere", "boom"],
    ["rejects-elsewhere", "bang"],
  ])("answers the calls in flight when something %s, and goes on", async (name, message) => {
    const { client } = await start([]);
    const error = await failure(create(client, name));
    expect(error.details).toBe(
      `the provider fixture failed while working on this or another resource: ${message}`,
    );
    await expect(create(client, "any")).resolves.toBeInstanceOf(providerpb.CreateResponse);
    client.close();
  });

  test.each(["SIGINT", "SIGTERM"] as const)("ends on %s, answering the calls in flight", async (signal) => {
    const engine = await fakeEngine();
    const { client, child, ended } = await start(["--logtostderr", "-v=3", engine.address]);
    const waiting = failure(create(client, "waits"));
    while (engine.logs.length === 0) await sleep(1);
    expect(engine.logs).toStrictEqual([
      { severity: 1, message: "waiting", urn: urn("waits"), streamid: 0, ephemeral: true },
    ]);
    child.kill(signal);
    expect(await ended).toStrictEqual([0, null]);
    expect((await waiting).details).toBe("cancelled before it was done");
    client.close();
    engine.stop();
  });
});

describe("a plugin process whose engine is gone ends", () => {
  test("when its input closes", async () => {
    const engine = await fakeEngine();
    const { child, ended, errors } = await start([engine.address]);
    child.stdin?.end();
    expect(await ended).toStrictEqual([0, null]);
    expect(errors).toStrictEqual(["the provider fixture ends: its standard input was closed"]);
    engine.stop();
  });

  test("when the engine no longer answers", async () => {
    const engine = await fakeEngine();
    const { ended, errors, client } = await start([engine.address], "ignore");
    const waiting = failure(ask(client, methods.create, createRequest("waits")));
    while (engine.logs.length === 0) await sleep(1);
    engine.stop();
    expect(await ended).toStrictEqual([0, null]);
    expect(errors.at(-1)).toBe("the provider fixture ends: the engine no longer answers");
    await waiting;
    client.close();
  });

  test("when its parent is killed", async () => {
    // The shell is the parent; the engine still answers and the input is /dev/null.
    const engine = await fakeEngine();
    const command = `"$0" "$1" "$2" </dev/null & echo $! >&2; wait`;
    const shell = spawn("sh", ["-c", command, process.execPath, fixture, engine.address], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    started.push(shell);
    const [line] = (await once(createInterface(shell.stderr), "line")) as [string];
    await once(createInterface(shell.stdout), "line");
    const pid = Number(line);
    expect(isAlive(pid)).toBe(true);
    shell.kill("SIGKILL");
    while (isAlive(pid)) await sleep(20);
    engine.stop();
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
