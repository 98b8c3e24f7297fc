import { existsSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { isInSandbox } from "../state/folders.ts";
import {
  KUBERNETES_PLUGIN,
  KUBERNETES_PLUGIN_VERSION,
  type ProvidedTool,
  type ToolOrigin,
} from "../tools/catalog.ts";
import { isExecutable } from "../tools/installed.ts";
import { askPluginVersion } from "../tools/plugin-version.ts";

/** The variable with the folder of the Kubernetes plugin, like `--kubernetes-plugin`. */
export const PLUGIN_VARIABLE = "TRUSTEE_ACCESS_KUBERNETES_PLUGIN";

/** pulumi's folder name for the plugin version that this project's SDK requests. */
const FOLDER = `resource-kubernetes-v${KUBERNETES_PLUGIN_VERSION}`;

export interface KubernetesPlugin {
  /** Without a v; absent if the program does not report it. */
  readonly version?: string | undefined;
  /** For messages: name, version and origin. */
  readonly source: string;
}

/** @throws Error if `folder` does not hold the plugin */
export async function checkPluginFolder(folder: string): Promise<void> {
  if (await isExecutable(join(folder, KUBERNETES_PLUGIN))) return;
  throw new Error(
    `There is no ${KUBERNETES_PLUGIN} in "${folder}": give the folder that holds the program itself.`,
  );
}

/**
 * The plugin in `folder`, or else the one that the user has installed with pulumi.
 * @param folder a folder that {@link checkPluginFolder} accepts
 */
export async function ownKubernetesPlugin(folder: string | undefined): Promise<ProvidedTool | undefined> {
  if (folder !== undefined) return { file: join(resolve(folder), KUBERNETES_PLUGIN), from: "option" };
  const users = join(usersPulumiHome(), "plugins", FOLDER);
  const file = join(users, KUBERNETES_PLUGIN);
  return (await isExecutable(file)) && !existsSync(`${users}.partial`) ? { file, from: "pulumi" } : undefined;
}

/** Ignores a PULUMI_HOME inside of a sandbox, because it is removed with the sandbox. */
function usersPulumiHome(): string {
  const home = process.env["PULUMI_HOME"];
  return home === undefined || isInSandbox(home) ? join(homedir(), ".pulumi") : home;
}

/**
 * Links the plugin into a folder below `$PULUMI_HOME/plugins`. The engine ignores a plugin folder that is
 * itself a link.
 */
export async function placeKubernetesPlugin(home: string, plugin: ProvidedTool): Promise<KubernetesPlugin> {
  const folder = join(home, "plugins", FOLDER);
  await mkdir(folder, { recursive: true });
  await symlink(plugin.file, join(folder, KUBERNETES_PLUGIN));
  const asked = plugin.from === "option" || plugin.from === "PATH";
  const version = asked ? await askPluginVersion(plugin.file) : KUBERNETES_PLUGIN_VERSION;
  const which = version === undefined ? "of an unknown version" : `v${version}`;
  return {
    ...(version === undefined ? {} : { version }),
    source: `${KUBERNETES_PLUGIN} ${which}${origin(plugin.from, dirname(plugin.file))}`,
  };
}

function origin(from: ToolOrigin, folder: string): string {
  switch (from) {
    case "option":
      return ` from ${folder}`;
    case "pulumi":
      return `, as installed in ${folder}`;
    case "PATH":
      return `, on PATH in ${folder}`;
    case "release":
      return ", downloaded from its release";
    case "build":
      return ", built from sandbox/tools/cluster";
  }
}
