import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { quote } from "./environment.ts";

/** The program that runs a Pulumi program in Node. The CLI starts it by this name. */
export const LANGUAGE_HOST = "pulumi-language-nodejs";

/**
 * A wrapper for the language host that the sandbox builds. That is release 3.68, the last one with its own Go
 * module. It takes a project's options as flags, but the current CLI sends them in the Run call. Without the
 * wrapper it ignores `typescript: false` and `nodeargs`. Each run then loads the TypeScript compiler (a second
 * or more) and compiles the program again.
 */
function languageHostScript(program: string): string {
  return [
    "#!/bin/sh",
    "# The CLI starts this in the project's folder.",
    String.raw`nodeargs=$(sed -En 's/^[[:space:]]+nodeargs:[[:space:]]*([^#]*[^#[:space:]]).*$/\1/p' Pulumi.yaml 2>/dev/null)`,
    `[ -z "$nodeargs" ] || set -- "-nodeargs=$nodeargs" "$@"`,
    String.raw`if grep -Eqs '^[[:space:]]+typescript:[[:space:]]*false[[:space:]]*(#.*)?$' Pulumi.yaml; then`,
    `  set -- -typescript=false "$@"`,
    "fi",
    `exec ${quote(program)} "$@"`,
    "",
  ].join("\n");
}

/**
 * Puts the built language host into the sandbox's `bin` folder.
 * @param place puts the program into a folder
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
