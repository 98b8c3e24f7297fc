import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { checkCommand } from "../../../cli/commands/check.ts";
import { diffCommand } from "../../../cli/commands/diff.ts";
import { explainCommand } from "../../../cli/commands/explain.ts";
import { lintCommand } from "../../../cli/commands/lint.ts";
import { reportCommand } from "../../../cli/commands/report.ts";
import { verifyCommand } from "../../../cli/commands/verify.ts";

const commands = [
  verifyCommand(),
  checkCommand(),
  diffCommand(),
  explainCommand(),
  lintCommand(),
  reportCommand(),
];

const WIDTH = 80;

/** What `trustee-access help <command>` prints on a terminal of that width. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => WIDTH,
  });
  command.outputHelp();
  return text;
}

const page = (name: string): string => readFileSync(`docs/${name}.md`, "utf8");

/** The cells of a page's table with this first header, row by row. */
function tableOf(name: string, header: string): readonly (readonly string[])[] {
  const [, ...blocks] = page(name).split(new RegExp(`^\\| ${header} .*\\n`, "m"));
  return blocks.flatMap((block) =>
    block
      .split("\n\n", 1)
      .join("")
      .split("\n")
      .slice(1)
      .map((line) =>
        line
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim()),
      ),
  );
}

describe.each(commands.map((command) => [command.name(), command] as const))("%s", (name, command) => {
  it("has a help of narrow lines, without the default of a switch", () => {
    const help = helpOf(command);
    expect(
      help.split("\n").filter((line) => line.length > WIDTH && !line.includes("pulumi preview")),
    ).toEqual([]);
    expect(help).not.toContain("(default: false)");
    expect(help).not.toContain("[]");
  });

  it("has every option in the table of its page, with the name of its value", () => {
    const documented = tableOf(name, "option").flatMap(([flags = ""]) =>
      [...flags.matchAll(/`(--[^`]+)`/g)].map(([, flag]) => flag),
    );
    const flags = command.options.map((option) => option.flags.replace(/^-\w, /, ""));
    expect([...documented].sort()).toEqual([...flags].sort());
  });

  it("has the exit codes of docs/errors.md, to which its page links", () => {
    const [, ...when] =
      tableOf("errors", "command").find(([first]) => first === `[\`${name}\`](${name}.md)`) ?? [];
    const codes = when.flatMap((words, code) =>
      words === "" ? [] : [`${code} if ${words.replaceAll("`", "")}`],
    );
    expect(codes.length).toBeGreaterThan(1);
    expect(helpOf(command).replaceAll(/\s+/g, " ")).toContain(`Exit code: ${codes.join(", ")}.`);
    expect(page(name)).toContain("](errors.md#exit-codes)");
    expect(page(name)).not.toContain("Exit code:");
  });
});
