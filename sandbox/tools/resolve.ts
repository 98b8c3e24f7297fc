import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Say } from "../progress.ts";
import { buildTools, cacheFolder, goBuildCache, goVersion } from "./build.ts";
import { type ProvidedTool, type Tool, type ToolModule, toolModules } from "./catalog.ts";
import { Downloads, internet, type Network, type Wanted } from "./download.ts";
import { findFamily, isExecutable } from "./installed.ts";
import { exclusively } from "./lock.ts";
import { thisPlatform } from "./releases.ts";
import { downloadFolder } from "./place.ts";
import { checkRequirements } from "./requirements.ts";

/** Where each tool's program is, by name. */
export type ToolPaths = ReadonlyMap<string, ProvidedTool>;

/** A tool that is nowhere yet. */
interface MissingTool {
  readonly tool: Tool;
  readonly module: ToolModule;
  /** The cache folder that a build puts it into. */
  readonly built: string;
  /** The file of its release, and the cache folder that a download puts it into; absent where it is not released for this platform. */
  readonly download?: Wanted;
}

export interface ToolPlan {
  readonly found: ToolPaths;
  readonly missing: readonly MissingTool[];
}

/** Where tools are looked for and put, and how they get there. */
export interface Surroundings {
  /** The folder of downloaded and built tools. */
  readonly cache: string;
  /** As $PATH. */
  readonly path: string;
  /** @default the release hosts themselves */
  readonly network?: Network;
  /** Ends a download or a build that is under way. */
  readonly signal?: AbortSignal | undefined;
}

async function installedTools(tools: readonly Tool[], path: string): Promise<ToolPaths> {
  const families = Map.groupBy(tools, (tool) => tool.family);
  const found = await Promise.all([...families.values()].map(async (family) => findFamily(family, path)));
  const files = found.flatMap((family) => [...family]);
  return new Map(files.map(([name, file]) => [name, { file, from: "PATH" }] as const));
}

/** The tool in the cache, if it is there by now. */
async function cached({ tool, built, download }: MissingTool): Promise<ProvidedTool | undefined> {
  for (const [folder, from] of [
    [download?.folder, "release"],
    [built, "build"],
  ] as const) {
    if (folder === undefined) continue;
    const file = join(folder, tool.name);
    if (await isExecutable(file)) return { file, from };
  }
  return undefined;
}

/**
 * Finds every tool: among those that are known, on PATH in a fitting version, else in the cache; else it has yet to be
 * provided. Also checks for the programs that the sandbox needs in any case.
 * @param known tools that are not looked for, by name
 * @throws Error naming every missing program and how to get it
 */
export async function planTools(
  { cache, path }: Surroundings,
  known: ToolPaths = new Map<string, ProvidedTool>(),
): Promise<ToolPlan> {
  await checkRequirements(path, false);
  const wanted = toolModules.flatMap(({ tools }) => tools).filter(({ name }) => !known.has(name));
  const found = new Map([...known, ...(await installedTools(wanted, path))]);
  const [go, platform] = [await goVersion(import.meta.dirname), thisPlatform()];
  const missing: MissingTool[] = [];
  for (const module of toolModules) {
    for (const tool of module.tools) {
      if (found.has(tool.name)) continue;
      const release = platform === undefined ? undefined : tool.release(platform);
      const each = {
        ...{ tool, module, built: await cacheFolder(cache, module, tool, go ?? "no Go") },
        ...(release && { download: { tool, release, folder: downloadFolder(cache, tool, release) } }),
      };
      const there = await cached(each);
      if (there === undefined) missing.push(each);
      else found.set(tool.name, there);
    }
  }
  return { found, missing };
}

/**
 * Downloads what a plan misses, and builds what cannot be downloaded, unless another process is at it or has done it
 * meanwhile.
 * @returns where all tools are
 * @throws Error if something has to be built and there is no Go for it, or the build fails
 */
export async function provideTools(plan: ToolPlan, surroundings: Surroundings, say: Say): Promise<ToolPaths> {
  const found = new Map(plan.found);
  if (plan.missing.length === 0) return found;
  const { cache, signal } = surroundings;
  const waiting = (pid: number): void => {
    say(`waiting for process ${pid}, which provides them`);
  };
  await exclusively(cache, waiting, signal, async () => {
    await removeRemains(cache);
    await build(await download(await stillMissing(plan.missing), surroundings, say), surroundings, say);
    for (const each of plan.missing) {
      const there = await cached(each);
      if (there === undefined) throw new Error(`${each.tool.name} was neither downloaded nor built`);
      found.set(each.tool.name, there);
    }
  });
  return found;
}

async function stillMissing(missing: readonly MissingTool[]): Promise<readonly MissingTool[]> {
  const there = await Promise.all(missing.map(cached));
  return missing.filter((_, index) => there[index] === undefined);
}

/** What a killed download or build has left; Go's own cache helps the next one. */
async function removeRemains(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (/^\.(building|downloading)-/.test(name))
      await rm(join(cache, name), { recursive: true, force: true });
  }
}

/** @returns what could not be downloaded */
async function download(
  missing: readonly MissingTool[],
  { cache, network = internet, signal }: Surroundings,
  say: Say,
): Promise<readonly MissingTool[]> {
  const downloads = new Downloads(cache, network, say, signal);
  const done = await downloads.provide(missing.flatMap((each) => each.download ?? []));
  if (done.length > 0) {
    const names = done.map(({ tool }) => tool.name).sort();
    say(`Downloaded ${names.join(", ")}; each file has the sha256 that its release publishes.`, "notice");
  }
  const reasons = Map.groupBy(downloads.failures, ([, reason]) => reason);
  for (const [reason, tools] of reasons) {
    say(`Not downloaded: ${tools.map(([{ name }]) => name).join(", ")}: ${reason}`, "notice");
  }
  return stillMissing(missing);
}

async function build(missing: readonly MissingTool[], surroundings: Surroundings, say: Say): Promise<void> {
  if (missing.length === 0) return;
  const { cache, path, signal } = surroundings;
  await checkRequirements(path, true);
  const modules = Map.groupBy(missing, ({ module }) => module);
  const minutes = Math.ceil([...modules.keys()].reduce((sum, module) => sum + module.minutes, 0));
  const names = missing.map(({ tool }) => tool.name).join(", ");
  say(`Building ${names} from source, once: up to ${minutes} min on two cores.`, "notice");
  for (const [module, tools] of modules) {
    const folders = new Map(tools.map(({ tool, built }) => [tool, built] as const));
    await buildTools(module, folders, cache, say, signal);
  }
  await rm(goBuildCache(cache), { recursive: true, force: true });
}
