import { Command } from "commander";
import { run, UsageError } from "./run.ts";

/** `access report`: the access matrix as a page or a picture. */
export function reportCommand(): Command {
  return new Command("report")
    .description("Writes the access matrix of a stack as one self-contained page or picture.")
    .action(() => run(() => Promise.reject(new UsageError("Not there yet."))));
}
