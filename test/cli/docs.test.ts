import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { outcomes } from "../../cli/verify/outcome.ts";
import { conditionNames } from "../../cli/explain/explanation.ts";
import { rules } from "../../cli/lint/finding.ts";
import { bindings } from "../../core/initdata/binding.ts";
import { issueCodes } from "../../core/issue-codes.ts";
import { stackOutputs } from "../../core/outputs.ts";
import { sections, type SectionName } from "../../core/settings/schema.ts";

/** The cells of a page's tables, row by row. */
function rowsOf(page: string): readonly (readonly string[])[] {
  const lines = readFileSync(`docs/${page}.md`, "utf8").split("\n");
  return lines
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe("the documentation", () => {
  it("has every rule of lint, in order, in its own words", () => {
    const documented = rowsOf("lint").filter(([id = ""]) => /^TA\d/.test(id));
    expect(documented.map(([id]) => id)).toEqual(Object.keys(rules));
    for (const [index, words] of Object.values(rules).entries()) {
      expect(documented[index]?.at(-1)?.startsWith(words)).toBe(true);
    }
  });

  it("has every kind of problem, in order, with its title and how to fix it", () => {
    const documented = rowsOf("errors").slice(2);
    expect(documented.map(([code, title]) => [code, title])).toEqual(Object.entries(issueCodes));
    for (const [, , fix = ""] of documented) expect(fix).not.toBe("");
  });

  it("has every setting", () => {
    const properties = (name: SectionName): readonly string[] => {
      const schema = z.toJSONSchema(sections[name], { io: "input", unrepresentable: "any" });
      const { properties: own } = schema.type === "array" ? (schema.items as typeof schema) : schema;
      return Object.keys(own ?? {});
    };
    const named = (["trustee", "podCluster", "referenceValues"] as const).flatMap((section) =>
      properties(section).map((name) => `${section}.${name}`),
    );
    const listed = (["secrets", "grants", "pods", "podDefaults", "readers"] as const).flatMap(properties);
    const documented = rowsOf("settings").flatMap(([cell = ""]) =>
      [...cell.matchAll(/`([\w.]+)`/g)].map(([, name = ""]) => name),
    );
    expect(new Set(documented.filter((name) => !bindings.some((binding) => binding === name)))).toEqual(
      new Set([...named, ...listed, "rotation", "takeOver"]),
    );
  });

  it("has every output of a stack, as its schema describes it", () => {
    const outputs = Object.entries(stackOutputs.shape).map(([name, { description = "" }]) => [
      `\`${name}\``,
      description,
    ]);
    expect(rowsOf("outputs").slice(2)).toEqual(outputs);
  });

  it("has every condition of explain, in order", () => {
    const names = Object.values<string>(conditionNames);
    const documented = rowsOf("explain").map(([name = ""]) => name);
    expect(documented.filter((name) => names.includes(name))).toEqual(names);
  });

  it("has every outcome of verify", () => {
    const documented = rowsOf("verify").flatMap(([name = ""]) => /^`([a-z][a-z-]*)`$/.exec(name)?.[1] ?? []);
    expect([...documented].sort()).toEqual([...outcomes].sort());
  });
});
