import { access, chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { isInSandbox, repositoryFolder } from "../state/folders.ts";

const PROGRAM = "pulumi-resource-kubernetes";

/** How long a download of the plugin may take to begin: a host without a way to its release server must not hang. */
const CONNECT_SECONDS = "5";

/** Names the folder of the real plugin, as `--kubernetes-plugin` does. */
export const PLUGIN_VARIABLE = "TRUSTEE_ACCESS_KUBERNETES_PLUGIN";

export interface KubernetesPlugin {
  /** For the user: which plugin it is. */
  readonly source: string;
  /** Whether it is the sandbox's own replacement. */
  readonly fallback: boolean;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** The version of @pulumi/kubernetes that this project is pinned to: the SDK asks for the plugin of that version. */
async function pluginVersion(): Promise<string> {
  const file = join(repositoryFolder, "node_modules", "@pulumi", "kubernetes", "package.json");
  const { version } = JSON.parse(await readFile(file, "utf8")) as { version: string };
  return version.replace(/^v/, "");
}

async function releaseServerAnswers(version: string): Promise<boolean> {
  const platform = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  const url = `https://get.pulumi.com/releases/plugins/${PROGRAM}-v${version}-${platform}.tar.gz`;
  const options = ["--silent", "--head", "--fail", "--location", "--max-time", CONNECT_SECONDS];
  return !(await execa("curl", [...options, url], { reject: false })).failed;
}

/** @throws Error if `folder` does not hold the real plugin */
export async function checkPluginFolder(folder: string): Promise<void> {
  if (await exists(join(folder, PROGRAM))) return;
  throw new Error(`There is no ${PROGRAM} in "${folder}": give the folder that holds the program itself.`);
}

/**
 * Puts a Kubernetes plugin into `$PULUMI_HOME/plugins`: the one in `folder`, else the one that this user has
 * installed, else a download, else the sandbox's own replacement.
 * @param folder holds the real pulumi-resource-kubernetes; see {@link checkPluginFolder}
 */
export async function installKubernetesPlugin(
  pulumi: string,
  home: string,
  folder: string | undefined,
): Promise<KubernetesPlugin> {
  const version = await pluginVersion();
  const name = `resource-kubernetes-v${version}`;
  const target = join(home, "plugins", name);
  await mkdir(join(home, "plugins"), { recursive: true });
  if (folder !== undefined) {
    await linkPlugin(resolve(folder), target);
    return { source: `${PROGRAM} from ${folder}`, fallback: false };
  }
  const users = join(usersPulumiHome(), "plugins", name);
  if ((await exists(join(users, PROGRAM))) && !(await exists(`${users}.partial`))) {
    await linkPlugin(users, target);
    return { source: `${PROGRAM} v${version}, as installed in ${users}`, fallback: false };
  }
  if (await releaseServerAnswers(version)) {
    const env = { PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const command = ["plugin", "install", "resource", "kubernetes", version];
    const { failed } = await execa(pulumi, command, { env, reject: false, timeout: 300_000 });
    if (!failed) return { source: `${PROGRAM} v${version}, downloaded`, fallback: false };
  }
  await writeFallback(target);
  return {
    source: `the sandbox's own replacement of ${PROGRAM} v${version}, which could not be downloaded`,
    fallback: true,
  };
}

/** A folder of its own with a link to the program: the engine passes over a plugin folder that is itself a link. */
async function linkPlugin(folder: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  await symlink(join(folder, PROGRAM), join(target, PROGRAM));
}

/** Not that of a sandbox whose exports this shell has evaluated: its plugin may be the replacement. */
function usersPulumiHome(): string {
  const home = process.env["PULUMI_HOME"];
  return home === undefined || isInSandbox(home) ? join(homedir(), ".pulumi") : home;
}

async function writeFallback(target: string): Promise<void> {
  const node = join(repositoryFolder, "node_modules", ".bin", "node");
  const program = join(repositoryFolder, "sandbox", "kubernetes-plugin", "main.ts");
  await mkdir(target, { recursive: true });
  await writeFile(join(target, PROGRAM), `#!/bin/sh\nexec ${quote(node)} ${quote(program)} "$@"\n`);
  await chmod(join(target, PROGRAM), 0o755);
}

/** A word of a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
