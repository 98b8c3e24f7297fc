import { homedir } from "node:os";
import { delimiter, isAbsolute, join, sep } from "node:path";

/** The folder of this repository. */
export const repositoryFolder = join(import.meta.dirname, "..", "..");

function baseFolder(variable: string, ...fallback: readonly string[]): string {
  const value = process.env[variable];
  return value !== undefined && isAbsolute(value) ? value : join(homedir(), ...fallback);
}

/** The cache of tools for all sandboxes and checkouts: `$XDG_CACHE_HOME/trustee-access/tools`. */
export function toolCache(): string {
  return join(baseFolder("XDG_CACHE_HOME", ".cache"), "trustee-access", "tools");
}

/**
 * The folder of all sandboxes: `$TRUSTEE_ACCESS_HOME/sandboxes`, or else
 * `$XDG_STATE_HOME/trustee-access/sandboxes`, or else `~/.local/state/trustee-access/sandboxes`.
 */
export function sandboxesFolder(): string {
  const home = process.env["TRUSTEE_ACCESS_HOME"];
  if (home !== undefined && home !== "") {
    if (!isAbsolute(home)) throw new Error(`TRUSTEE_ACCESS_HOME is "${home}": give an absolute path`);
    return join(home, "sandboxes");
  }
  return join(baseFolder("XDG_STATE_HOME", ".local", "state"), "trustee-access", "sandboxes");
}

/** Whether a path is inside of a sandbox's folder. Such a path can disappear at any time. */
export function isInSandbox(path: string): boolean {
  return path.startsWith(`${sandboxesFolder()}${sep}`);
}

/** The user's PATH: without the `bin` folders of sandboxes. */
export function usersPath(): string {
  const entries = (process.env["PATH"] ?? "").split(delimiter);
  return entries.filter((entry) => !isInSandbox(entry)).join(delimiter);
}

/**
 * The folder of one sandbox.
 * @throws Error if the name is not valid as a folder and as a Kubernetes object's name
 */
export function sandboxFolder(name: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) {
    throw new Error(
      `The sandbox name "${name}" is not allowed: use at most 40 lower-case letters, digits and dashes, with a letter or digit at both ends.`,
    );
  }
  return join(sandboxesFolder(), name);
}
