import type { PolicyAnswer, PolicyAnswers, TrusteeFacts } from "../audit/facts.ts";
import { questionKey, type PolicyQuestion } from "../questions/questions.ts";
import { strangerToken } from "../questions/tokens.ts";
import { livePolicy } from "../audit/trustee-view.ts";
import { askEach } from "../opa/batch.ts";
import { findOpa } from "../opa/opa.ts";

/** The same request by a stranger. */
function strangersKey({ syntax, data }: PolicyQuestion): string {
  return questionKey({ syntax, data, token: strangerToken });
}

/**
 * Asks the live policy in OPA, if it is installed. If a stranger's request fails with an error, its path is
 * the cause, so the same path fails for every pod. This saves the slow search for failing requests.
 */
export async function askPolicy(
  trustee: TrusteeFacts,
  questions: readonly PolicyQuestion[],
): Promise<PolicyAnswers> {
  const { text } = livePolicy(trustee);
  if (text === undefined) return { kind: "none", reason: "There is no policy." };
  const opa = await findOpa();
  if ("reason" in opa) return { kind: "none", reason: opa.reason };
  const byQuestion = new Map<string, PolicyAnswer>();
  const ask = async (asked: readonly PolicyQuestion[]): Promise<void> => {
    for (const [syntax, group] of Map.groupBy(asked, (question) => question.syntax)) {
      const answers = await askEach({ opa: opa.program, text, syntax }, group);
      group.forEach((question, index) => byQuestion.set(questionKey(question), answers[index] ?? false));
    }
  };
  const isStrangers = (question: PolicyQuestion): boolean => questionKey(question) === strangersKey(question);
  await ask(questions.filter(isStrangers));
  const others = questions.filter((question) => !isStrangers(question));
  const failed = (question: PolicyQuestion): PolicyAnswer | undefined => {
    const answer = byQuestion.get(strangersKey(question));
    return typeof answer === "object" ? answer : undefined;
  };
  for (const question of others) {
    const answer = failed(question);
    if (answer !== undefined) byQuestion.set(questionKey(question), answer);
  }
  await ask(others.filter((question) => failed(question) === undefined));
  return { kind: "answers", byQuestion };
}
