import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { isRunning, type ProcessIdentity, startOf } from "../state/processes.ts";
import { thisProcess } from "../state/run-state.ts";

const holderSchema = z.object({ pid: z.number(), started: z.string() });

async function holderOf(file: string): Promise<ProcessIdentity | undefined> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return undefined;
  }
}

async function acquired(file: string): Promise<boolean> {
  try {
    await writeFile(file, JSON.stringify(thisProcess(startOf)), { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Runs `work` while no other process does so with the same folder; the lock of a process that has ended is void.
 * @param waiting called with the number of the process that is waited for
 */
export async function exclusively<T>(
  folder: string,
  waiting: (pid: number) => void,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const file = join(folder, ".lock");
  await mkdir(folder, { recursive: true });
  for (let looks = 0; !(await acquired(file));) {
    signal?.throwIfAborted();
    const holder = await holderOf(file);
    // A lock without a living holder is just being written, or left by a process that ended: a second look tells.
    if (holder !== undefined && isRunning(holder)) waiting(holder.pid);
    else if (looks > 0) await rm(file, { force: true });
    else looks += 1;
    await sleep(300);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}
