import { Command } from "commander";
import { checkCommand } from "./access/check.ts";
import { diffCommand } from "./access/diff.ts";
import { explainCommand } from "./access/explain.ts";
import { lintCommand } from "./access/lint.ts";
import { reportCommand } from "./access/report.ts";
import { runProgram } from "./access/run.ts";

await runProgram(
  new Command("access")
    .description("Which pod may read which secret of Trustee: prove it, show it.")
    .addCommand(checkCommand())
    .addCommand(diffCommand())
    .addCommand(explainCommand())
    .addCommand(lintCommand())
    .addCommand(reportCommand()),
);
