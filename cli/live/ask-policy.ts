import type { PolicyAnswer, PolicyAnswers, TrusteeFacts } from "../../core/audit/facts.ts";
import { questionKey, type PolicyQuestion } from "../../core/audit/questions.ts";
import { livePolicy } from "../../core/audit/trustee-view.ts";
import { evaluateRego, findOpa, OPA_HINT } from "../rego/opa.ts";

/** Asks the live policy in OPA, where there is one. */
export async function askPolicy(
  trustee: TrusteeFacts,
  questions: readonly PolicyQuestion[],
): Promise<PolicyAnswers> {
  const { text } = livePolicy(trustee);
  if (text === undefined) return { kind: "none", reason: "there is no policy." };
  const opa = await findOpa();
  if (opa === undefined) return { kind: "none", reason: OPA_HINT };
  const byQuestion = new Map<string, PolicyAnswer>();
  for (const [syntax, group] of Map.groupBy(questions, (question) => question.syntax)) {
    const answers = await evaluateRego(opa, text, syntax, group);
    group.forEach((question, index) => byQuestion.set(questionKey(question), answers[index] ?? false));
  }
  return { kind: "answers", byQuestion };
}
