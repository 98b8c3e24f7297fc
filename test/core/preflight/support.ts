import { readFileSync } from "node:fs";
import { Issues } from "../../../core/issues.ts";
import { budgetReport } from "../../../core/preflight/budget.ts";
import { guard, type LiveTrustee } from "../../../core/preflight/guard.ts";
import type { RawSettings } from "../../../core/settings/settings.ts";
import { planOf, settingsOf } from "../../fixtures/settings.ts";

export const STACK = "o/p/s";
/** A reference that pins its content when appended to a repository. */
export const DIGEST = `@sha256:${"0".repeat(64)}`;
const certificate = readFileSync("test/fixtures/certificates/leaf.pem", "utf8");

const live: LiveTrustee = {
  url: "https://kbs.example.com",
  certificate,
  policy: null,
  referenceValuesKey: "reference-values.json",
  referenceValues: "[]",
  registeredSecrets: ["trustee-image-policy"],
};

const sound: RawSettings = {
  secrets: [{ name: "db", keys: ["key"] }],
  podDefaults: { image: `registry.example/app${DIGEST}` },
  pods: [{ name: "a" }, { name: "b" }],
  grants: [{ pod: "a", secret: "db" }],
};

export interface Outcome {
  readonly warnings: readonly string[];
  readonly issues: readonly string[];
  readonly budget?: unknown;
}

/** The guards' results for a sound stack on a sound Trustee, with these changes. */
export function check(
  change: RawSettings,
  trustee: Partial<LiveTrustee> = {},
  files: Readonly<Record<string, string>> = {},
): Outcome {
  const is = { ...live, ...trustee };
  const settings = settingsOf({ ...sound, ...change });
  const plan = planOf(settings, { ...is, files });
  const issues = new Issues();
  const { warnings, budget } = guard({ settings, plan, live: is }, new Date("2026-01-10T00:00:00Z"), issues);
  return issues.found.length === 0
    ? { warnings, issues: [], budget: budgetReport(budget) }
    : { warnings: [], issues: issues.found.map(({ path, given }) => `${path}: ${given}`) };
}
