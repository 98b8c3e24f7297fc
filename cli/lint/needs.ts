import type { LiveFacts, PodFacts, TrusteeFacts } from "../audit/facts.ts";
import type { Finding } from "./finding.ts";
import { readableClaims } from "../audit/pod-claims.ts";
import { lackedNeeds, needQuestions, needsSide } from "../questions/pod-needs.ts";
import type { PolicyQuestion } from "../questions/questions.ts";
import { likelyClaims } from "../audit/likely-claim.ts";

/** The questions to the live policy about what the pods need to start. */
export function startQuestions(trustee: TrusteeFacts, pods: readonly PodFacts[]): readonly PolicyQuestion[] {
  const side = needsSide(trustee);
  return pods.flatMap((pod) => {
    const claims = readableClaims(pod);
    return claims === undefined ? [] : needQuestions(side, claims);
  });
}

/** TA106: what prevents a pod from starting or restarting. */
export function lintNeeds({ trustee, pods = [], answers, stack }: LiveFacts): readonly Finding[] {
  const tell = likelyClaims({ trustee, stack });
  const side = needsSide(trustee);
  return pods.flatMap((pod): readonly Finding[] => {
    const claims = readableClaims(pod);
    if (claims === undefined) return [];
    const { namespace, name } = pod;
    const common = { id: "TA106", severity: "error", where: { kind: "Pod", namespace, name } } as const;
    const lacked = lackedNeeds(side, claims, tell(pod, claims), answers);
    return [
      ...claims.flaws.map((flaw, index) => ({
        ...common,
        about: [`file ${index}`],
        what: `The pod's initdata does not lead its guest to a KBS: ${flaw}`,
        why: "Without these files, the guest gets no secret, including those that it needs to start.",
        fix: "Correct the initdata and recreate the pod.",
      })),
      ...lacked.map((need) => ({
        ...common,
        about: [need.setting],
        what: `The pod cannot fetch its ${need.name}: ${need.words}.`,
        why: "The guest cannot start without it, and a running pod cannot restart.",
        fix: need.next,
      })),
    ];
  });
}
