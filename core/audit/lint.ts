import type { LiveFacts } from "./facts.ts";
import { shownLines } from "../policy/shown-name.ts";
import { sortFindings, type Finding } from "./finding.ts";
import { lintDigests } from "./lint-digests.ts";
import { lintLines } from "./lint-lines.ts";
import { lintNeeds } from "./lint-needs.ts";
import { lintPolicy } from "./lint-policy.ts";
import { lintStacks } from "./lint-stacks.ts";
import { lintMounts, lintRollout, lintSecrets } from "./lint-trustee.ts";
import { lintReferenceValues } from "./lint-values.ts";

/** Everything that is amiss with a live Trustee and the pods that use it, the worst first. */
export function lint(facts: LiveFacts): readonly Finding[] {
  const found = sortFindings([
    ...lintPolicy(facts),
    ...lintLines(facts),
    ...lintStacks(facts),
    ...lintDigests(facts),
    ...lintNeeds(facts),
    ...lintReferenceValues(facts),
    ...lintSecrets(facts),
    ...lintMounts(facts),
    ...lintRollout(facts),
  ]);
  // Whatever else is quoted of what is live: it is one line, and nothing in it steers a terminal.
  return shownLines(found);
}
