import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { quote } from "./environment.ts";

/** The program that runs a Pulumi program in Node; the CLI starts it by this name. */
export const LANGUAGE_HOST = "pulumi-language-nodejs";

/**
 * The language host that the sandbox builds is of the last release that is a Go module of its own to build, 3.68. Such a one is told the
 * options of a project by flags; today's CLI tells them with the call to run. Without this script a project's `typescript: false`
 * would be lost, and every run of its program would load the TypeScript compiler first, a second and more on a slow machine.
 */
export function languageHostScript(program: string): string {
  return [
    "#!/bin/sh",
    "# The CLI starts this in the project's folder.",
    String.raw`if grep -Eqs '^[[:space:]]+typescript:[[:space:]]*false[[:space:]]*(#.*)?$' Pulumi.yaml; then`,
    `  exec ${quote(program)} -typescript=false "$@"`,
    "fi",
    `exec ${quote(program)} "$@"`,
    "",
  ].join("\n");
}

/**
 * Puts the built language host into the sandbox's folder of programs.
 * @param place puts the program itself into a folder
 */
export async function placeLanguageHost(
  bin: string,
  place: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = join(bin, "language-host");
  await mkdir(folder, { recursive: true });
  await place(folder);
  await writeFile(join(bin, LANGUAGE_HOST), languageHostScript(join(folder, LANGUAGE_HOST)), { mode: 0o755 });
}
