import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { isRunning, type ProcessIdentity, startOf } from "../state/processes.ts";
import { thisProcess } from "../state/run-state.ts";

const holderSchema = z.object({ pid: z.number(), started: z.string() });

/** A lock as it was found. */
interface Found {
  readonly text: string;
  /** Undefined where the file does not say. */
  readonly holder?: ProcessIdentity;
}

async function look(file: string): Promise<Found | undefined> {
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

/** Makes the lock with its content in one step, so that nobody ever finds it without its holder. */
async function acquired(file: string): Promise<boolean> {
  const whole = `${file}-${randomUUID()}`;
  await writeFile(whole, JSON.stringify(thisProcess(startOf)));
  try {
    await link(whole, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(whole, { force: true });
  }
}

/**
 * Removes a lock that was found without a living holder, and no other. Several processes may find the same one: were each to
 * remove it, the second could hit the new lock of the first. So whoever removes it holds a lock on that, `<file>.void`, and
 * looks again; should such a process die in between, its own lock is removed in the same way.
 */
export async function removeVoid(file: string, found: Pick<Found, "text">): Promise<void> {
  const guard = `${file}.void`;
  if (!(await acquired(guard))) {
    const other = await look(guard);
    if (other !== undefined && !isHeld(other)) await removeVoid(guard, other);
    return;
  }
  try {
    const now = await look(file);
    if (now?.text === found.text) await rm(file, { force: true });
  } finally {
    await rm(guard, { force: true });
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
  while (!(await acquired(file))) {
    signal?.throwIfAborted();
    const found = await look(file);
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
