import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { matrixText } from "../../core/access/matrix.ts";
import { certificate } from "../fixtures/pod.ts";
import { planOf, settingsOf, tutorialSettings } from "../fixtures/settings.ts";

/** The settings in docs/restrict.md, each with its heading and the matrix that follows. */
const examples = [
  ...readFileSync("docs/restrict.md", "utf8").matchAll(
    /^## (.+)\n[^#]*?```yaml\n([^`]*)```\n\n```\n([^`]*)```/gm,
  ),
].map(([, heading = "", settings = "", matrix = ""]) => ({ heading, settings, matrix }));

it.each(examples)("docs/restrict.md shows the matrix of its settings: $heading", ({ settings, matrix }) => {
  const changed = Object.entries(parse(settings) as Readonly<Record<string, unknown>>).map(
    ([name, value]) => [name.replace("trustee-access:", ""), value] as const,
  );
  const raw = { ...tutorialSettings, ...Object.fromEntries(changed) };
  const plan = planOf(settingsOf(raw), { certificate });
  expect(matrixText(plan.matrix)).toEqual(matrix.trimEnd().split("\n"));
});

it("docs/restrict.md has five examples", () => {
  expect(examples).toHaveLength(5);
});
