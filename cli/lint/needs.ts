import type { LiveFacts, PodFacts, TrusteeFacts } from "../audit/facts.ts";
import type { Finding } from "./finding.ts";
import { readPodClaims } from "../audit/pod-claims.ts";
import { lackedNeeds, needQuestions, needsSide } from "../audit/pod-needs.ts";
import type { PolicyQuestion } from "../questions/questions.ts";
import { claimTeller } from "../audit/told-claim.ts";

/** What `lint` asks the live policy for the pods' sake. */
export function startQuestions(trustee: TrusteeFacts, pods: readonly PodFacts[]): readonly PolicyQuestion[] {
  const side = needsSide(trustee);
  return pods.flatMap((pod) => {
    const claims = readPodClaims(pod);
    return claims === undefined || "problem" in claims ? [] : needQuestions(side, claims);
  });
}

/** TA106: what keeps a pod from starting, or from starting again. */
export function lintNeeds({ trustee, pods = [], answers, stack }: LiveFacts): readonly Finding[] {
  const tell = claimTeller({ trustee, stack });
  const side = needsSide(trustee);
  return pods.flatMap((pod): readonly Finding[] => {
    const claims = readPodClaims(pod);
    if (claims === undefined || "problem" in claims) return [];
    const { namespace, name } = pod;
    const common = { id: "TA106", severity: "error", where: { kind: "Pod", namespace, name } } as const;
    const lacked = lackedNeeds(side, claims, tell(pod, claims), answers);
    return [
      ...claims.flaws.map((flaw, index) => ({
        ...common,
        about: [`file ${index}`],
        what: `The pod's initdata leads its guest to no KBS: ${flaw}`,
        why: "Without its files, a guest gets no secret, what it needs to start neither.",
        fix: "Correct the initdata, and create the pod anew.",
      })),
      ...lacked.map((need) => ({
        ...common,
        about: [need.setting],
        what: `The pod cannot fetch its ${need.name}: ${need.words}.`,
        why: "Its guest does not start without it; one that runs would not start again.",
        fix: need.next,
      })),
    ];
  });
}
