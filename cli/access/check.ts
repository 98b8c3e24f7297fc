import { Command } from "commander";
import { run, UsageError } from "./run.ts";

/** `access check`: the stack's policies in a real Rego engine against the model. */
export function checkCommand(): Command {
  return new Command("check")
    .description("Proves, offline in OPA, that the deployed policies answer every request as the stack says.")
    .action(() => run(() => Promise.reject(new UsageError("Not there yet."))));
}
