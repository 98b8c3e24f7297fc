import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import type { Tool } from "./catalog.ts";
import { askPluginVersion } from "./plugin-version.ts";

export async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The first executable of that name in the folders of `path` (like $PATH), or undefined. */
export async function findOnPath(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((entry) => entry.startsWith("/"))) {
    const file = join(folder, name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

/** The first version in a text as [major, minor], for example [1, 32] for "Client Version: v1.32.4". */
export function parseVersion(text: string): readonly [number, number] | undefined {
  const match = /\bv?(\d+)\.(\d+)\.\d+/.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/** Whether `version` has the same major version as `oldest` and is not older. */
export function isFitting(
  version: readonly [number, number] | undefined,
  oldest: readonly [number, number],
): boolean {
  return version?.[0] === oldest[0] && version[1] >= oldest[1];
}

async function versionOf(tool: Tool, file: string): Promise<readonly [number, number] | undefined> {
  if (tool.versionArguments === "plugin") return parseVersion((await askPluginVersion(file)) ?? "");
  const { stdout, failed } = await execa(file, tool.versionArguments, {
    reject: false,
    timeout: 10_000,
    stdin: "ignore",
    env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
  });
  return failed ? undefined : parseVersion(stdout);
}

/**
 * The installed tools of one family, by name. The result is empty unless all tools of the family are in one
 * folder, in the same supported minor version. A program that does not report its version
 * (pulumi-language-nodejs) always fits.
 */
export async function findFamily(tools: readonly Tool[], path: string): Promise<ReadonlyMap<string, string>> {
  const none = new Map<string, string>();
  const found = new Map<string, string>();
  const versions = new Set<string>();
  for (const tool of tools) {
    const file = await findOnPath(tool.name, path);
    if (file === undefined) return none;
    found.set(tool.name, file);
    if (tool.versionArguments.length === 0) continue;
    const version = await versionOf(tool, file);
    if (!isFitting(version, tool.atLeast)) return none;
    versions.add(String(version));
  }
  const folders = new Set([...found.values()].map((file) => dirname(file)));
  return versions.size === 1 && folders.size === 1 ? found : none;
}
