import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const files = globSync("{cli,components,core,deploy,kube,provider,sandbox}/**/*.ts", { cwd: root });

/** Pairs of a file and one that it imports. */
const imports = files.flatMap((file) =>
  [...readFileSync(join(root, file), "utf8").matchAll(/\b(?:from|import)[\s(]*"(\.[^"]+)"/g)].map(
    ([, path = ""]) => [file, join(dirname(file), path)] as const,
  ),
);

/** What is left after removing, again and again, all that import nothing and all that nothing imports. */
function inCircles(pairs: readonly (readonly [from: string, to: string])[]): readonly string[] {
  const [from, to] = [new Set(pairs.map(([one]) => one)), new Set(pairs.map(([, one]) => one))];
  const left = pairs.filter(([importer, imported]) => to.has(importer) && from.has(imported));
  return left.length === pairs.length ? left.map((pair) => pair.join(" -> ")) : inCircles(left);
}

test("no folders import each other", () => {
  const folders = imports.map(([from, to]) => [dirname(from), dirname(to)] as const);
  expect(folders.length).toBeGreaterThan(1000);
  expect(inCircles(folders.filter(([from, to]) => from !== to))).toEqual([]);
});

test("no files import each other", () => {
  expect(inCircles(imports)).toEqual([]);
});
