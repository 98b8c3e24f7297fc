import type { LiveFacts, PolicyAnswer, TrusteeFacts } from "../../../cli/audit/facts.ts";
import { placeText } from "../../../cli/lint/finding.ts";
import { lint } from "../../../cli/lint/lint.ts";
import { lintQuestions, questionKey, type PolicyQuestion } from "../../../cli/questions/questions.ts";
import { facts, NOW } from "../../fixtures/live-facts.ts";

export const POLICY = "ConfigMap trustee-operator-system/trusteeconfig-resource-policy";
export const IMAGE_POLICY =
  'note TA005 Secret trustee-operator-system/trustee-image-policy: Every attested pod may read "trustee-image-policy", an image policy that pods need to start.';

/** A finding in a line: what there is to compare in full, without why and how to fix it. */
export function lines(given: LiveFacts): readonly string[] {
  return lint(given).map(({ id, severity, where, what }) => `${severity} ${id} ${placeText(where)}: ${what}`);
}

/** Somebody's policy, with what a Rego engine says of it. */
export function foreign(
  policy: string,
  says: (question: PolicyQuestion) => PolicyAnswer,
  changes: Partial<TrusteeFacts> = {},
): LiveFacts {
  const given = facts({ ...changes, policy: withPolicy({ "policy.rego": policy }) });
  const asked = lintQuestions(given.trustee, given.pods);
  return {
    ...given,
    answers: {
      kind: "answers",
      byQuestion: new Map(asked.map((question) => [questionKey(question), says(question)])),
    },
  };
}

export function withPolicy(data: Readonly<Record<string, string>>): NonNullable<TrusteeFacts["policy"]> {
  return { name: "trusteeconfig-resource-policy", changedAt: NOW - 8000, resourceVersion: "100", data };
}
