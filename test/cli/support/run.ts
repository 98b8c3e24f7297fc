import { execa } from "execa";
import { resolve } from "node:path";
import type { CommandResult, Sandbox } from "../../../sandbox/api.ts";

/**
 * Runs one of this project's commands against a sandbox.
 * @param cwd the stack's project, for a command that reads a stack
 */
export async function command(
  sandbox: Sandbox,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<CommandResult> {
  const result = await execa(process.execPath, [resolve("cli/main.ts"), ...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...sandbox.env, ...options.env },
    reject: false,
  });
  return { exitCode: result.exitCode ?? 1, stdout: result.stdout, stderr: result.stderr };
}
