import { describe, expect, it } from "vitest";
import { mergeGrants } from "../../../core/policy/grants.ts";
import { readRules } from "../../../core/policy/intact.ts";
import { parseRegistry } from "../../../core/policy/registry.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { beyondRegoLimits } from "../../../core/rego/limits.ts";
import { stackGrants } from "../../fixtures/grants.ts";

const CLAIM = "a1".repeat(32);
const names = (count: number): string =>
  Array.from({ length: count }, (_, at) => `payments-worker-${at + 10}`).join(", ");

/** A policy whose only reader has this name, and the lines with the name. */
function written(reader: string) {
  const text = joinPolicy(null, stackGrants("o/p/s", { db: { "*": { "azure-vtpm": { [CLAIM]: reader } } } }));
  const lines = text.split("\n").filter((line) => line.startsWith(`        "${CLAIM}": `));
  return { text, lines };
}

describe("the names of pods that share initdata", () => {
  it("are all in the table if they fit", () => {
    const { text, lines } = written(names(47));
    expect(lines).toEqual([`        "${CLAIM}": "${names(47)}"`]);
    expect(beyondRegoLimits(text)).toBeUndefined();
  });

  it("are cut in the table if the engine would not read the line, and stay in the stack's own line", () => {
    const { text, lines } = written(names(60));
    expect(lines).toEqual([`        "${CLAIM}": "${names(46)}, and 14 more"`]);
    expect(beyondRegoLimits(text)).toBeUndefined();
    expect(parseRegistry(text)?.stacks[0]?.secrets).toEqual({
      db: { "*": { "azure-vtpm": { [CLAIM]: names(60) } } },
    });
    expect(readRules(text)).toMatchObject({
      intact: true,
      done: mergeGrants(parseRegistry(text)?.stacks ?? []),
    });
  });

  it.each([
    ["one long name", "x".repeat(2000), "1 reader"],
    ["long names of two bytes a letter", ["é".repeat(600), "é".repeat(600)].join(", "), "2 readers"],
    ["quotes and breaks", '"\n'.repeat(600), "1 reader"],
  ])("become a number if none fits: %s", (_, reader, shown) => {
    const { text, lines } = written(reader);
    expect(lines).toEqual([`        "${CLAIM}": "${shown}"`]);
    expect(beyondRegoLimits(text)).toBeUndefined();
  });

  it("are intact in a policy that has a longer line, since an earlier release wrote them all", () => {
    const { text, lines } = written(names(60));
    const earlier = text.replace(lines[0] ?? "", () => `        "${CLAIM}": "${names(60)}"`);
    expect(beyondRegoLimits(earlier)).toMatchObject({ limit: "column" });
    expect(readRules(earlier)?.intact).toBe(true);
    expect(readRules(earlier.replace("default allow = false", "default allow = true"))?.intact).toBe(false);
    expect(joinPolicy(earlier, parseRegistry(earlier)?.stacks[0] ?? stackGrants("o/p/s", {}))).toBe(text);
  });
});
