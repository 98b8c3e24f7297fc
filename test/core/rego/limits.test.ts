import { expect, it } from "vitest";
import { beyondRegoLimits, wideLines } from "../../../core/rego/limits.ts";

/** A line of code with this many columns. */
const wide = (columns: number): string => `x := "${"a".repeat(columns - 7)}"`;

const column = (line: number) => ({ limit: "column", line });

// https://github.com/microsoft/regorus/blob/regorus-v0.10.1/src/lexer.rs: columns count from 1, and after the
// last character too.
it.each<[string, string, unknown]>([
  ["1,023 columns", `package policy\n${wide(1023)}\n`, undefined],
  ["1,024 columns", `package policy\n${wide(1024)}\n`, column(2)],
  ["a comment", `package policy\nx := 1 # ${wide(2000)}\n# ${wide(2000)}`, undefined],
  ["a # in a string", `package policy\nx := "#${"a".repeat(1100)}"`, column(2)],
  ["blanks", `package policy\nx := 1${" ".repeat(1100)}\n`, column(2)],
  ["tabs, four columns each", `package policy\n${"\t".repeat(256)}x := 1\n`, column(2)],
  ["letters of two bytes in a string", `package policy\nx := "${"é".repeat(600)}"`, column(2)],
  ["letters of two bytes in a raw string", `package policy\nx := \`${"é".repeat(600)}\``, undefined],
  ["a raw string of many lines", `package policy\nx := \`${"a\n".repeat(600)}\``, undefined],
  ["a raw string's long line", `package policy\nx := \`\n${"a".repeat(1024)}\``, column(3)],
  ["lines that end in CR LF", `package policy\r\n${wide(1023)}\r\n`, undefined],
  // In a raw string the lexer counts CR like any other character.
  [
    "a raw string's line that ends in CR LF",
    `package policy\r\nx := \`\r\n${"a".repeat(1023)}\r\n\``,
    column(3),
  ],
  ["20,000 lines", `package policy\n${"\n".repeat(19_998)}`, undefined],
  ["20,001 lines", `package policy\n${"\n".repeat(19_999)}`, { limit: "lines", line: 20_000 }],
  ["1 MiB", `package policy\n${"# é\n".repeat(10)}#`.padEnd(1_048_566, "a"), undefined],
  ["more than 1 MiB", `package policy\n#`.padEnd(1_048_577, "a"), { limit: "bytes", line: 1 }],
])("finds the first line beyond a limit, or none: %s", (_what, text, expected) => {
  expect(beyondRegoLimits(text)).toEqual(expected);
});

it("lists each line that is too wide once", () => {
  const raw = `y := \`${"a".repeat(1100)}\n${"b".repeat(1100)}\n\` # ${"c".repeat(1100)}`;
  const text = `package policy\n${wide(1024)}\nx := 1\n${raw}\n${wide(1023)}\n${wide(900)} == ${wide(900)}\n`;
  expect(wideLines(text)).toEqual([2, 4, 5, 8]);
  expect(wideLines(`package policy\n${wide(1024)}`)).toEqual([2]);
  expect(wideLines("package policy\n")).toEqual([]);
});
