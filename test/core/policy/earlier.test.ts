import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { affirmingToken } from "../../../core/access/token.ts";
import { decide } from "../../../core/access/model.ts";
import { listGrants, mergeGrants } from "../../../core/policy/grants.ts";
import { readRules } from "../../../core/policy/intact.ts";
import { parseRegistry } from "../../../core/policy/registry.ts";
import { joinPolicy, leavePolicy, retirePolicy } from "../../../core/policy/share.ts";
import { stackGrants } from "../../fixtures/grants.ts";

const A = "a1".repeat(32);
const B = "b1".repeat(32);
const C = "c1".repeat(32);

/** A policy of the previous release for two stacks, the second in a grace period. */
const earlier = readFileSync(
  join(import.meta.dirname, "..", "..", "fixtures", "earlier-policy.rego"),
  "utf8",
);
const two = {
  bare: { key: { snp: { [C]: "metal" } } },
  "p2-secret": { "*": { "azure-vtpm": { [B]: "pod2" } } },
};

describe("a policy of the previous release", () => {
  test("is intact, and its lines do not name TEEs", () => {
    const rules = readRules(earlier);
    expect(rules?.intact).toBe(true);
    expect(rules?.done).toStrictEqual(rules?.said);
    expect(new Set(listGrants(rules?.said.secrets ?? {}).map(({ binding }) => binding))).toStrictEqual(
      new Set(["any"]),
    );
    expect(parseRegistry(earlier)?.stacks.map(({ stack, owner }) => ({ stack, owner }))).toStrictEqual([
      { stack: "org/p/one", owner: "0123456789abcdef" },
      { stack: "org/p/two", owner: undefined },
    ]);
  });

  test.each([
    ["a rule", "default allow = false", "default allow = true"],
    ["a line alone", `{"*":{"${B}":"pod2"}}`, `{"*":{"${B}":"pod2","${C}":"spy"}}`],
    ["the table", `"${B}": "pod2"`, `"${C}": "spy"`],
  ])("does not match its lines if %s was changed", (_, from, to) => {
    expect(earlier).toContain(from);
    expect(readRules(earlier.replace(from, to))?.intact).toBe(false);
  });

  test("is upgraded by one stack's up; the other's pods keep reading, on any hardware, until its own up", () => {
    const upgraded = joinPolicy(earlier, stackGrants("org/p/one", { created: {} }));
    expect(readRules(upgraded)).toMatchObject({ intact: true });
    const rules = mergeGrants(parseRegistry(upgraded)?.stacks ?? []);
    const why = (...token: Parameters<typeof affirmingToken>): string =>
      decide(
        rules,
        { "resource-path": ["default", "bare", "key"], plugin: "resource" },
        affirmingToken(...token),
      ).why;
    const base64 = Buffer.from(C, "hex").toString("base64");
    expect([why(C, "snp"), why(base64, "snp"), why(C, "azure-vtpm")]).toStrictEqual(Array(3).fill("granted"));
    expect([why(base64, "sample"), why(C, "sample"), why(A, "snp")]).toStrictEqual(
      Array(3).fill("not-a-reader"),
    );
    const both = joinPolicy(upgraded, { stack: "org/p/two", others: "affirming", secrets: two });
    expect(mergeGrants(parseRegistry(both)?.stacks ?? []).secrets).toStrictEqual({ ...two, created: {} });
  });

  test("restores the original text, stack by stack", () => {
    const first = leavePolicy(earlier, "org/p/two");
    expect(first).toMatchObject({ kind: "write" });
    const rest = "content" in first ? first.content : null;
    expect(leavePolicy(rest, "org/p/one")).toStrictEqual({
      kind: "restore",
      content: "package policy\n\ndefault allow = true\n",
    });
  });

  test("loses the previous digests after the grace period", () => {
    const retired = retirePolicy(earlier, "org/p/two");
    expect(parseRegistry(retired)?.stacks.map(({ retiring }) => retiring)).toStrictEqual([
      undefined,
      undefined,
    ]);
    expect(listGrants(readRules(retired)?.said.secrets ?? {}).map(({ initData }) => initData)).not.toContain(
      `${A} (former initdata)`,
    );
  });
});

describe("a table that no release wrote", () => {
  const line = (secrets: unknown): string =>
    `# trustee-access: stack ${JSON.stringify({ stack: "o/p/s", others: "deny", secrets })}`;

  test.each([
    ["another binding", { s: { "*": { sgx: { [A]: "pod1" } } } }],
    ["claims with and without a binding", { s: { "*": { snp: { [A]: "pod1" }, [B]: "pod2" } } }],
    ["a reader that is no text", { s: { "*": { snp: { [A]: 7 } } } }],
    ["readers as a list", { s: { "*": { snp: ["pod1"] } } }],
  ])("is damaged: %s", (_, secrets) => {
    expect(parseRegistry(line(secrets))).toStrictEqual({
      stacks: [],
      damaged: [{ line: 1, stack: "o/p/s" }],
    });
  });
});
