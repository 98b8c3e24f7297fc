import { readdirSync, readFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { outcomeWords } from "../../cli/verify/outcome.ts";
import { conditionNames } from "../../cli/explain/explanation.ts";
import { rules } from "../../cli/lint/finding.ts";
import { issueCodes } from "../../core/issue-codes.ts";
import { mapValues } from "../../core/records.ts";
import { declarePod } from "../../core/settings/pod.ts";
import { sections, type SectionName } from "../../core/settings/schema.ts";
import { outputRows, withOutputsTable } from "../support/outputs-table.ts";
import { settingRows, withSettingsTables } from "../support/settings-tables.ts";

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
    const documented = rowsOf("errors").filter(([code = ""]) => /^TA\d/.test(code));
    expect(documented.map(([code, title]) => [code, title])).toEqual(Object.entries(issueCodes));
    for (const [, , fix = ""] of documented) expect(fix).not.toBe("");
  });

  it("has every setting, as its schema describes it", async () => {
    const page = readFileSync("docs/settings.md", "utf8");
    const options = { ...(await resolveConfig("docs/settings.md")), filepath: "docs/settings.md" };
    const made = await format(withSettingsTables(page), options);
    // To update the page: npx vitest run --project unit test/cli/docs.test.ts -u
    await expect(made).toMatchFileSnapshot("../../docs/settings.md");
  });

  it("has a table with each section of the settings, and a meaning for each setting", () => {
    const tables = [...readFileSync("docs/settings.md", "utf8").matchAll(/<!-- settings: (.+) -->/g)];
    const names = Object.keys(sections) as SectionName[];
    expect(tables.flatMap(([, section = ""]) => section.split(", ")).sort()).toEqual(
      // Those of podDefaults are in the table of pods.
      names.filter((name) => name !== "podDefaults").sort(),
    );
    const rows = names.flatMap((name) => settingRows(name));
    expect(rows.filter(({ meaning }) => meaning === "" || meaning.includes("|"))).toEqual([]);
    const ofPods = settingRows("pods").map(({ name }) => name);
    expect(ofPods).toEqual(
      expect.arrayContaining(settingRows("podDefaults").map(({ name }) => name.replace("podDefaults.", ""))),
    );
  });

  it("has the defaults of a pod that the program takes", () => {
    const pod = declarePod({ name: "p", image: "i" }, {});
    const { namespace, kind, deploy, adopt, runtimeClassName, binding, algorithm } = pod;
    const imagePolicy = pod.imagePolicyUri?.replace("kbs:///default/", "");
    const { logs } = pod.agentPolicy;
    const taken = { namespace, kind, deploy, adopt, runtimeClassName, binding, algorithm, imagePolicy, logs };
    const rows = settingRows("pods").filter(({ name }) => name in taken);
    expect(Object.fromEntries(rows.map(({ name, unset }) => [name, unset]))).toEqual(
      mapValues<unknown, string>(taken, (value) => `\`${String(value)}\``),
    );
  });

  it("has every output of a stack, as its schema describes it", async () => {
    expect(outputRows().filter(([, meaning]) => meaning === "" || meaning.includes("|"))).toEqual([]);
    const page = readFileSync("docs/outputs.md", "utf8");
    const options = { ...(await resolveConfig("docs/outputs.md")), filepath: "docs/outputs.md" };
    const made = await format(withOutputsTable(page), options);
    await expect(made).toMatchFileSnapshot("../../docs/outputs.md");
  });

  it("of the package has what its README and its pages link to", () => {
    const linked = (page: string, up: string): readonly string[] =>
      [...readFileSync(page, "utf8").matchAll(new RegExp(`\\]\\(${up}(?!https?:|#)([^)#]+)`, "g"))].map(
        ([, link = ""]) => link,
      );
    const pages = readdirSync("docs")
      .filter((name) => name.endsWith(".md"))
      .flatMap((name) => linked(`docs/${name}`, "\\.\\./"));
    const { files } = packageJson;
    // npm packs LICENSE itself. Pulumi.yaml and the sandbox are this clone's own.
    const others = ["LICENSE", "Pulumi.yaml", "Pulumi.dev.yaml", "sandbox"];
    const missing = [...linked("README.md", ""), ...pages].filter(
      (link) => ![...others, ...files].some((one) => link === one || link.startsWith(`${one}/`)),
    );
    expect(missing).toEqual([]);
  });

  it("requires the Pulumi CLI that the program requires", () => {
    const [, version = ""] =
      /PULUMI = ">=(\d+\.\d+)\.0"/.exec(readFileSync("components/program.ts", "utf8")) ?? [];
    expect(readFileSync("README.md", "utf8")).toContain(`docs/install/) ${version} or newer`);
    expect(readFileSync("CHANGELOG.md", "utf8")).toContain(`Pulumi CLI ${version} or newer`);
  });

  it("has every condition of explain, in order", () => {
    const names = Object.values<string>(conditionNames);
    const documented = rowsOf("explain").map(([name = ""]) => name);
    expect(documented.filter((name) => names.includes(name))).toEqual(names);
  });

  it("has every outcome of verify", () => {
    const documented = rowsOf("verify").flatMap(([name = ""]) => /^`([a-z][a-z-]*)`$/.exec(name)?.[1] ?? []);
    expect([...documented].sort()).toEqual(Object.keys(outcomeWords).sort());
  });
});
