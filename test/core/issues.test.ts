import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { rules } from "../../cli/lint/finding.ts";
import { issueCodes } from "../../core/issue-codes.ts";
import { IssuesError } from "../../core/issues.ts";

it("a message has the code, the path, what was given, what is allowed and the fix of each problem", () => {
  const { message } = new IssuesError("the settings of stack dev", [
    {
      code: "TA607",
      path: "grants[2].pod",
      given: '"pod9"',
      allowed: "pod1, pod2",
      fix: "Correct the name.",
    },
    { code: "TA601", path: "typo", given: "an unknown setting", allowed: "pods", fix: "Remove it." },
  ]);
  expect(message).toBe(`2 problems in the settings of stack dev; nothing was changed.
  - TA607 grants[2].pod: "pod9"
      allowed: pod1, pod2
      to fix: Correct the name.
  - TA601 typo: an unknown setting
      allowed: pods
      to fix: Remove it.`);
});

it("every code is used, in order, and none is lint's", () => {
  const sources = ["core", "components", "provider", "kube", "cli"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).flatMap((name) =>
      name.endsWith(".ts") ? [readFileSync(join(folder, name), "utf8")] : [],
    ),
  );
  const used = sources.flatMap((text) => text.match(/(?<=")TA\d{3}(?=")/g) ?? []);
  expect([...new Set(used)].sort()).toEqual([...Object.keys(rules), ...Object.keys(issueCodes)].sort());
  expect(Object.keys(issueCodes).filter((code) => Object.hasOwn(rules, code))).toEqual([]);
  expect(Object.keys(issueCodes)).toEqual(Object.keys(issueCodes).sort());
});
