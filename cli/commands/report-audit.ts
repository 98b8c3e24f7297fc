import type { Finding } from "../lint/finding.ts";
import { lint } from "../lint/lint.ts";
import { lintQuestions } from "../questions/questions.ts";
import { askPolicy } from "../live/ask-policy.ts";
import { connectStack } from "../live/connect.ts";
import { readStackPods } from "../live/read-pods.ts";
import { readTrustee } from "../live/read-trustee.ts";
import { stackFacts } from "./stack.ts";
import type { StackOutputs } from "../../core/outputs.ts";

/** What `trustee-access lint` finds of a stack's live Trustee and of the pods in its namespaces. */
export async function audit(stack: StackOutputs): Promise<readonly Finding[]> {
  const sides = connectStack(stack);
  const [trustee, { pods, namespaces }] = await Promise.all([
    readTrustee(sides.trustee, sides.place),
    readStackPods(sides.pods, stack),
  ]);
  const answers = await askPolicy(trustee, lintQuestions(trustee, pods));
  return lint({ trustee, pods, namespaces, answers, stack: stackFacts(stack) });
}
