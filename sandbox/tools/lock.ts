import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { hasCode, isRunning, type ProcessIdentity, thisProcess } from "../state/processes.ts";

const holderSchema = z.object({ pid: z.number(), started: z.string() });

/** The content of a lock file. */
interface Found {
  readonly text: string;
  /** Undefined if the file is malformed. */
  readonly holder?: ProcessIdentity;
}

async function read(file: string): Promise<Found | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch {
    return undefined;
  }
  try {
    return { text, holder: holderSchema.parse(JSON.parse(text)) };
  } catch {
    return { text };
  }
}

function isHeld({ holder }: Found): boolean {
  return holder !== undefined && isRunning(holder);
}

/** Creates the lock file with its content atomically. */
async function acquired(file: string): Promise<boolean> {
  const whole = `${file}-${randomUUID()}`;
  await writeFile(whole, JSON.stringify(thisProcess()));
  try {
    await link(whole, file);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  } finally {
    await rm(whole, { force: true });
  }
}

/**
 * Removes a lock whose holder has ended. Several processes can find the same stale lock, and a second removal
 * could hit the new lock of the first process. Therefore:
 * - The removal is guarded by a second lock, `<file>.void`.
 * - The guarded process reads the lock again, and removes it only if it is unchanged.
 * - A stale guard is removed in the same way.
 */
export async function removeVoid(file: string, found: Pick<Found, "text">): Promise<void> {
  const guard = `${file}.void`;
  if (!(await acquired(guard))) {
    const other = await read(guard);
    if (other !== undefined && !isHeld(other)) await removeVoid(guard, other);
    return;
  }
  try {
    const now = await read(file);
    if (now?.text === found.text) await rm(file, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/**
 * Runs `work` under the lock of a folder. A lock whose holder has ended is removed.
 * @param waiting called with the pid of the holder while waiting
 */
export async function exclusively<T>(
  folder: string,
  waiting: (pid: number) => void,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const file = join(folder, ".lock");
  await mkdir(folder, { recursive: true });
  while (!(await acquired(file))) {
    signal?.throwIfAborted();
    const found = await read(file);
    if (found !== undefined && !isHeld(found)) await removeVoid(file, found);
    else if (found?.holder !== undefined) waiting(found.holder.pid);
    await sleep(300);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}
