import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { type Tool, type ToolModule, toolModules } from "./catalog.ts";
import { buildTools, cacheFolder, goVersion, moduleFolder } from "./build.ts";
import { findFamily } from "./installed.ts";
import { exclusively } from "./lock.ts";
import { checkRequirements } from "./requirements.ts";

/** Where each tool's program is, by name. */
export type ToolPaths = ReadonlyMap<string, string>;

/** A module and those of its tools that have yet to be built, with the cache folder that each will be in. */
export interface PendingBuild {
  readonly module: ToolModule;
  readonly tools: ReadonlyMap<Tool, string>;
}

export interface ToolPlan {
  readonly found: ToolPaths;
  readonly pending: readonly PendingBuild[];
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function installedTools(path: string): Promise<ReadonlyMap<string, string>> {
  const families = Map.groupBy(
    toolModules.flatMap((module) => module.tools),
    (tool) => tool.family,
  );
  const found = await Promise.all([...families.values()].map(async (tools) => findFamily(tools, path)));
  return new Map(found.flatMap((family) => [...family]));
}

/**
 * Finds every tool: on `path` in a fitting version, else in the cache, else as a build that is yet to be done.
 * Also checks for the programs that the sandbox needs and does not build.
 * @throws Error naming every missing program and how to get it
 */
export async function planTools(cache: string, path: string): Promise<ToolPlan> {
  const found = new Map(await installedTools(path));
  const go = await goVersion(moduleFolder(firstModule()));
  const pending: PendingBuild[] = [];
  for (const module of toolModules) {
    const missing = new Map<Tool, string>();
    for (const tool of module.tools) {
      if (found.has(tool.name)) continue;
      const folder = await cacheFolder(cache, module, tool, go ?? "no Go");
      if (await isExecutable(join(folder, tool.name))) found.set(tool.name, join(folder, tool.name));
      else missing.set(tool, folder);
    }
    if (missing.size > 0) pending.push({ module, tools: missing });
  }
  await checkRequirements(path, pending.length > 0);
  return { found, pending };
}

function firstModule(): ToolModule {
  const [first] = toolModules;
  if (first === undefined) throw new Error("no tool modules");
  return first;
}

/** What to tell the user before a build, or undefined where nothing is to be built. */
export function buildNotice(plan: ToolPlan): string | undefined {
  const names = plan.pending.flatMap(({ tools }) => [...tools.keys()].map((tool) => tool.name));
  if (names.length === 0) return undefined;
  const minutes = Math.ceil(plan.pending.reduce((sum, { module }) => sum + module.minutes, 0));
  return `Building ${names.join(", ")} from source, once: about ${minutes} min on two cores.`;
}

/**
 * Carries out the builds of a plan, unless another process is at it or has done it meanwhile.
 * @param signal ends a build that is under way
 * @returns where all tools are
 */
export async function provideTools(
  plan: ToolPlan,
  cache: string,
  detail: (text: string) => void,
  signal?: AbortSignal,
): Promise<ToolPaths> {
  const found = new Map(plan.found);
  if (plan.pending.length === 0) return found;
  const waiting = (pid: number): void => {
    detail(`waiting for process ${pid}, which is building them`);
  };
  await exclusively(cache, waiting, signal, async () => {
    for (const { module, tools } of plan.pending) {
      const missing = new Map<Tool, string>();
      for (const [tool, folder] of tools) {
        if (!(await isExecutable(join(folder, tool.name)))) missing.set(tool, folder);
      }
      if (missing.size > 0) await buildTools(module, missing, cache, detail, signal);
      for (const [tool, folder] of tools) found.set(tool.name, join(folder, tool.name));
    }
  });
  return found;
}
