import type { LiveFacts } from "../audit/facts.ts";
import { shownLines } from "../../core/policy/shown-name.ts";
import { sortFindings, type Finding } from "./finding.ts";
import { lintDigests } from "./digests.ts";
import { lintLines } from "./lines.ts";
import { lintNeeds } from "./needs.ts";
import { lintPolicy } from "./policy.ts";
import { lintStacks } from "./stacks.ts";
import { lintMounts, lintRollout, lintSecrets } from "./trustee.ts";
import { lintReferenceValues } from "./reference-values.ts";

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
