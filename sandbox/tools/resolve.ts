import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildTools, cacheFolder, goBuildCache, goVersion } from "./build.ts";
import { type ProvidedTool, type Tool, type ToolModule, toolModules } from "./catalog.ts";
import { downloadFolder, Downloads, internet, type Network, type Wanted } from "./download.ts";
import { findFamily, isExecutable } from "./installed.ts";
import { exclusively } from "./lock.ts";
import { thisPlatform } from "./releases.ts";
import { checkRequirements } from "./requirements.ts";

/** Reports progress. A notice stays visible after its step; other text is replaced by the next one. */
export type Say = (text: string, kind?: "notice") => void;

/** The program of each tool, by name. */
export type ToolPaths = ReadonlyMap<string, ProvidedTool>;

/** A tool that must be downloaded or built. */
interface MissingTool {
  readonly tool: Tool;
  readonly module: ToolModule;
  /** The cache folder for a build. */
  readonly built: string;
  /** Its release, and the cache folder for a download; absent if there is no release for this platform. */
  readonly download?: Wanted;
}

interface ToolPlan {
  readonly found: ToolPaths;
  readonly missing: readonly MissingTool[];
}

export interface Surroundings {
  /** The cache of downloaded and built tools. */
  readonly cache: string;
  /** Like $PATH. */
  readonly path: string;
  /** @default the real release hosts */
  readonly network?: Network;
  /** Cancels a download or a build. */
  readonly signal?: AbortSignal | undefined;
}

async function installedTools(tools: readonly Tool[], path: string): Promise<ToolPaths> {
  const families = Map.groupBy(tools, (tool) => tool.family);
  const found = await Promise.all([...families.values()].map(async (family) => findFamily(family, path)));
  const files = found.flatMap((family) => [...family]);
  return new Map(files.map(([name, file]) => [name, { file, from: "PATH" }] as const));
}

/** The tool in the cache, if it is there. */
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
 * Finds each tool among the known ones, on PATH in a supported version, or in the cache. The others are
 * missing. Also checks for the programs that the sandbox always needs.
 * @param known tools that are not searched for, by name
 * @throws Error that lists each missing program and how to install it
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
 * Downloads the missing tools of a plan, and builds those that cannot be downloaded. If another process does
 * so, waits for it first.
 * @returns all tools
 * @throws Error if a build is needed without a suitable Go, or if it fails
 */
export async function provideTools(plan: ToolPlan, surroundings: Surroundings, say: Say): Promise<ToolPaths> {
  const found = new Map(plan.found);
  if (plan.missing.length === 0) return found;
  const { cache, signal } = surroundings;
  const waiting = (pid: number): void => {
    say(`waiting for process ${pid}, which downloads or builds the tools`);
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

/** Removes leftovers of killed downloads and builds. Go's build cache stays for the next build. */
async function removeRemains(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (/^\.(building|downloading)-/.test(name))
      await rm(join(cache, name), { recursive: true, force: true });
  }
}

/** @returns the tools that could not be downloaded */
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
