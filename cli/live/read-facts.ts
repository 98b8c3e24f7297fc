import type { LiveFacts } from "../audit/facts.ts";
import { stackFacts } from "../audit/stack.ts";
import { startQuestions } from "../lint/needs.ts";
import { lintQuestions } from "../questions/questions.ts";
import { askPolicy } from "./ask-policy.ts";
import type { Sides } from "./connect.ts";
import type { SeenPods } from "./read-pods.ts";
import { readTrustee } from "./read-trustee.ts";

/** The facts that `lint` judges. @param readPods the pods to check */
export async function readFacts(
  { trustee: kube, place, stack }: Sides,
  readPods: () => Promise<SeenPods>,
): Promise<LiveFacts> {
  const [trustee, seen] = await Promise.all([readTrustee(kube, place), readPods()]);
  const questions = [...lintQuestions(trustee, seen.pods), ...startQuestions(trustee, seen.pods ?? [])];
  return {
    trustee,
    ...seen,
    answers: await askPolicy(trustee, questions),
    stack: stack && stackFacts(stack),
  };
}
