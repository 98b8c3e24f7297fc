import { Command } from "commander";
import { checkCommand } from "./access/check.ts";
import { explainCommand } from "./access/explain.ts";
import { lintCommand } from "./access/lint.ts";
import { reportCommand } from "./access/report.ts";

await new Command("access")
  .description("Which pod may read which secret of Trustee: prove it, show it.")
  .addCommand(checkCommand())
  .addCommand(explainCommand())
  .addCommand(lintCommand())
  .addCommand(reportCommand())
  .parseAsync();
