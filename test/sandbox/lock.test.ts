import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { thisProcess } from "../../sandbox/state/processes.ts";
import { exclusively, removeVoid } from "../../sandbox/tools/lock.ts";
import { temporaryFolder } from "../support/folders.ts";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

async function locked<T>(
  work: () => Promise<T>,
  waiting: (pid: number) => void = () => undefined,
  signal?: AbortSignal,
): Promise<T> {
  return exclusively(folder, waiting, signal, work);
}

function reporting(name: string, order: string[], milliseconds: number) {
  return async (): Promise<void> => {
    order.push(`${name} begins`);
    await sleep(milliseconds);
    order.push(`${name} ends`);
  };
}

test("runs tasks one after the other, reports the holder while waiting, and leaves no lock", async () => {
  const order: string[] = [];
  const waited = new Set<number>();
  const { promise: taken, resolve: take } = Promise.withResolvers<undefined>();
  const { promise: reported, resolve: report } = Promise.withResolvers<undefined>();
  const first = locked(async () => {
    order.push("one begins");
    take(undefined);
    await reported;
    order.push("one ends");
  });
  await taken;
  const second = locked(reporting("two", order, 20), (pid) => {
    waited.add(pid);
    report(undefined);
  });
  await Promise.all([first, second]);
  expect(order).toEqual(["one begins", "one ends", "two begins", "two ends"]);
  expect([...waited]).toEqual([process.pid]);
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  ["of a process that has ended", JSON.stringify({ pid: process.pid, started: "earlier" })],
  ["cut short", '{"pid":'],
])("ignores a lock %s", async (_, text) => {
  await writeFile(join(folder, ".lock"), text);
  expect(await locked(async () => Promise.resolve("done"))).toBe("done");
});

describe("a stale lock that several processes have found", () => {
  const ended = JSON.stringify({ pid: process.pid, started: "earlier" });
  const living = JSON.stringify(thisProcess());
  const lock = (): string => join(folder, ".lock");

  test("is removed once: the second process keeps the new lock of the first", async () => {
    await writeFile(lock(), living);
    await removeVoid(lock(), { text: ended });
    expect(await readFile(lock(), "utf8")).toBe(living);
    expect(await readdir(folder)).toEqual([".lock"]);
  });

  test("is not touched while another process removes it", async () => {
    await writeFile(lock(), ended);
    await writeFile(`${lock()}.void`, living);
    await removeVoid(lock(), { text: ended });
    expect((await readdir(folder)).sort()).toEqual([".lock", ".lock.void"]);
  });

  test("is removed by the next process if the removing process has ended", async () => {
    await writeFile(lock(), ended);
    await writeFile(`${lock()}.void`, ended);
    const order: string[] = [];
    const names = ["one", "two", "three"];
    await Promise.all(names.map(async (name) => locked(reporting(name, order, 20))));
    const [begins, ends] = ["begins", "ends"];
    expect(order.map((line) => line.split(" ")[1])).toEqual([begins, ends, begins, ends, begins, ends]);
    expect(await readdir(folder)).toEqual([]);
  });
});

test("releases the lock after a failure, and stops waiting after an abort", async () => {
  await expect(locked(async () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  const controller = new AbortController();
  const held = locked(async () => sleep(500));
  await sleep(20);
  const second = locked(async () => Promise.resolve(), undefined, controller.signal);
  controller.abort(new Error("given up"));
  await expect(second).rejects.toThrow("given up");
  await held;
});
