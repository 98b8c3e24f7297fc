import type { User } from "@kubernetes/client-node";
import { isRecord, messageOf, own } from "../core/records.ts";
import type { Obstacle } from "./proxy.ts";

/** The longest text of a plugin that is quoted. */
const LONGEST = 500;

function textIn(fields: unknown, name: string): string {
  const value = isRecord(fields) ? own(fields, name) : undefined;
  return typeof value === "string" ? value.trim().slice(0, LONGEST) : "";
}

/** The plugin's own hint on how to install it, as kubectl shows it. */
function hint(exec: unknown, otherwise: string): string {
  const said = textIn(exec, "installHint").replace(/[.\s]+$/, "");
  return said === "" ? otherwise : `${said}.`;
}

/**
 * Describes a failed sign-in. A plugin that is not installed is named, with the kubeconfig's hint on how to
 * install it. The standard output of a plugin is never quoted, since it may be a token.
 */
export function signInProblem(user: User | null, error: unknown): Obstacle {
  const failed = "the kubeconfig's sign-in fails";
  const command = textIn(user?.exec, "command");
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  const renew = "Renew the credentials of this kubeconfig context.";
  if (command === "") return { detail: `${failed}: ${messageOf(error)}`, next: renew };
  const plugin = `the plugin "${command}" of the user "${user?.name ?? ""}"`;
  if (code === "ENOENT") {
    const otherwise = `Install ${command}, put it on the PATH, or correct the user's exec.command.`;
    return { detail: `${failed}: ${plugin} is not installed`, next: hint(user?.exec, otherwise) };
  }
  if (code !== undefined) {
    return {
      detail: `${failed}: ${plugin} cannot be run (${code})`,
      next: `Make it a program that this account may run, or correct the user's exec.command.`,
    };
  }
  const run = `See its output: kubectl get --raw /version`;
  if (error instanceof SyntaxError || error instanceof TypeError) {
    return { detail: `${failed}: ${plugin} prints no ExecCredential`, next: run };
  }
  const said = messageOf(error).trim();
  return said === ""
    ? { detail: `${failed}: ${plugin} ends with an error and no message`, next: run }
    : { detail: `${failed}: ${said}`, next: `${plugin.replace("the", "The")} reports this. ${renew}` };
}
