import { createHash } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Tool } from "./catalog.ts";
import type { Release } from "./releases.ts";

/** The folder of a downloaded tool in the cache: another one for another file. */
export function downloadFolder(cache: string, tool: Tool, release: Release): string {
  const hash = createHash("sha256").update(release.url).digest("hex");
  return join(cache, `${tool.name}-${hash.slice(0, 16)}`);
}

/** Moves a program into its folder of the cache, from the same file system: it is there whole or not at all. */
export async function placeWhole(file: string, folder: string, name: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await rename(file, join(folder, name));
}
