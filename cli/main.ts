import { Command } from "commander";
import { checkCommand } from "./commands/check.ts";
import { diffCommand } from "./commands/diff.ts";
import { explainCommand } from "./commands/explain.ts";
import { lintCommand } from "./commands/lint.ts";
import { reportCommand } from "./commands/report.ts";
import { runProgram } from "./commands/run.ts";
import { verifyCommand } from "./commands/verify.ts";
import project from "../package.json" with { type: "json" };

await runProgram(
  new Command("trustee-access")
    .description("Verifies, proves and explains which pod may read which secret of Trustee.")
    .version(project.version)
    .addCommand(verifyCommand())
    .addCommand(checkCommand())
    .addCommand(diffCommand())
    .addCommand(explainCommand())
    .addCommand(lintCommand())
    .addCommand(reportCommand()),
);
