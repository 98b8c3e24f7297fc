import type { Finding } from "../../../core/audit/finding.ts";
import { lint } from "../../../core/audit/lint.ts";
import { lintQuestions } from "../../../core/audit/questions.ts";
import { askPolicy } from "../../live/ask-policy.ts";
import { connectSides } from "../../live/connect.ts";
import { readPods } from "../../live/read-pods.ts";
import { readTrustee } from "../../live/read-trustee.ts";
import type { StackOutputs } from "../../stack.ts";

/** What `access lint` finds of a stack's live Trustee and of the pods in its namespaces. */
export async function audit(stack: StackOutputs): Promise<readonly Finding[]> {
  const sides = await connectSides({ stack: stack.grants.stack });
  const namespaces = [...new Set(Object.values(stack.pods).map(({ namespace }) => namespace))];
  const [trustee, pods] = await Promise.all([
    readTrustee(sides.trustee, sides.place),
    readPods(sides.pods, namespaces),
  ]);
  return lint({ trustee, pods, answers: await askPolicy(trustee, lintQuestions(trustee)) });
}
