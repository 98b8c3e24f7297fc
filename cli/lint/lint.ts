import type { LiveFacts } from "../audit/facts.ts";
import { shownLines } from "../../core/shown.ts";
import { sortFindings, type Finding } from "./finding.ts";
import { lintDigests } from "./digests.ts";
import { lintNeeds } from "./needs.ts";
import { lintPolicy } from "./policy.ts";
import { lintStacks } from "./stacks.ts";
import { lintMounts, lintRollout, lintSecrets } from "./trustee.ts";
import { lintReferenceValues } from "./reference-values.ts";

/** All problems of a live Trustee and of the pods that use it, worst first. */
export function lint(facts: LiveFacts): readonly Finding[] {
  const found = sortFindings([
    ...lintPolicy(facts),
    ...lintStacks(facts),
    ...lintDigests(facts),
    ...lintNeeds(facts),
    ...lintReferenceValues(facts),
    ...lintSecrets(facts),
    ...lintMounts(facts),
    ...lintRollout(facts),
  ]);
  // Findings quote live data: keep it on one line and without terminal escapes.
  return shownLines(found);
}
