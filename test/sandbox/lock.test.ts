import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startOf } from "../../sandbox/state/processes.ts";
import { thisProcess } from "../../sandbox/state/run-state.ts";
import { exclusively, removeVoid } from "../../sandbox/tools/lock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trustee-access-lock-"));
});
afterEach(async () => rm(folder, { recursive: true }));

test("runs one after the other, reports the holder while waiting, and leaves no lock", async () => {
  const order: string[] = [];
  const waited = new Set<number>();
  const work = async (name: string): Promise<void> =>
    exclusively(
      folder,
      (pid) => waited.add(pid),
      undefined,
      async () => {
        order.push(`${name} begins`);
        await sleep(100);
        order.push(`${name} ends`);
      },
    );
  await Promise.all([work("one"), sleep(20).then(async () => work("two"))]);
  expect(order).toEqual(["one begins", "one ends", "two begins", "two ends"]);
  expect([...waited]).toEqual([process.pid]);
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  ["of a process that has ended", JSON.stringify({ pid: process.pid, started: "earlier" })],
  ["cut short", '{"pid":'],
])("a lock %s is void", async (_, text) => {
  await writeFile(join(folder, ".lock"), text);
  const result = await exclusively(
    folder,
    () => undefined,
    undefined,
    async () => Promise.resolve("done"),
  );
  expect(result).toBe("done");
});

describe("a stale lock that several processes have found", () => {
  const ended = JSON.stringify({ pid: process.pid, started: "earlier" });
  const living = JSON.stringify(thisProcess(startOf));
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

  test("is removed by the next process if the removing one has died", async () => {
    await writeFile(lock(), ended);
    await writeFile(`${lock()}.void`, ended);
    const order: string[] = [];
    await Promise.all(
      ["one", "two", "three"].map(async (name) =>
        exclusively(
          folder,
          () => undefined,
          undefined,
          async () => {
            order.push(`${name} begins`);
            await sleep(20);
            order.push(`${name} ends`);
          },
        ),
      ),
    );
    expect(order.map((line) => line.split(" ")[1])).toEqual([
      "begins",
      "ends",
      "begins",
      "ends",
      "begins",
      "ends",
    ]);
    expect(await readdir(folder)).toEqual([]);
  });
});

test("is released after a failure, and waiting ends with an abort", async () => {
  const fail = exclusively(
    folder,
    () => undefined,
    undefined,
    async () => Promise.reject(new Error("failed")),
  );
  await expect(fail).rejects.toThrow("failed");
  const controller = new AbortController();
  const held = exclusively(
    folder,
    () => undefined,
    undefined,
    async () => sleep(500),
  );
  await sleep(20);
  const second = exclusively(
    folder,
    () => undefined,
    controller.signal,
    async () => Promise.resolve(),
  );
  controller.abort(new Error("given up"));
  await expect(second).rejects.toThrow("given up");
  await held;
});
