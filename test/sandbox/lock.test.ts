import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exclusively } from "../../sandbox/tools/lock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trustee-access-lock-"));
});
afterEach(async () => rm(folder, { recursive: true }));

test("works one after the other, tells whom it waits for, and leaves no lock", async () => {
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

test("is released by a failure, and given up by an abort", async () => {
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
