import { shownLine } from "../../core/policy/shown-name.ts";
import { currentCondition } from "./trustee.ts";
import { policyCondition } from "./policy.ts";
import { referenceCondition } from "./reference-values.ts";
import type { PodFacts, PolicyAnswers, StackFacts, TrusteeFacts } from "../audit/facts.ts";
import { readPodClaims } from "../audit/pod-claims.ts";
import { tellClaim } from "../audit/told-claim.ts";

/** A cell that the KBS has denied, and what is live on both sides. */
export interface DeniedCell {
  readonly trustee: TrusteeFacts;
  readonly pod: PodFacts;
  readonly secret: string;
  readonly key: string;
  readonly answers: PolicyAnswers;
  /** Whether the KBS's log says that it was the policy that denied it; else there may be no such secret. */
  readonly byPolicy: boolean;
  /** The stack whose cell it is, and how that calls the pod. */
  readonly stack?: StackFacts;
  readonly reader?: string;
}

/**
 * What keeps a pod that was denied from attesting well. A KBS attests a pod whose digest is unregistered too, as
 * contraindicated; then the policy denies it, and the log reads as if it were any pod that is no reader. So the live
 * reference values tell the two apart, and, where the log says that the policy denied what it gives to this digest, that alone.
 * @returns `undefined`: nothing is known to, so that the denial is the policy's own
 */
export function attestationProblem(cell: DeniedCell): string | undefined {
  const { trustee, pod, secret, key, answers, byPolicy, stack, reader } = cell;
  const claims = readPodClaims(pod);
  if (claims === undefined) return "the pod has no initdata annotation";
  if ("problem" in claims) return `the pod's initdata cannot be read: ${shownLine(claims.problem)}`;
  const claim = tellClaim(pod, claims, { trustee, stack, reader });
  if (claim === undefined) return "no TEE can bind the pod's initdata";
  const whose = `${claim.name} ${claim.value}`;
  const reference = referenceCondition(trustee, pod, claim, stack);
  if (reference.status === "fails") return `${whose}: ${shownLine(reference.detail)}`;
  const policy = policyCondition({ trustee, answers, pod, claims, claim, secret, key });
  const isCurrent = currentCondition(trustee, secret).status === "holds";
  if (!byPolicy || policy.status !== "holds" || !isCurrent) return undefined;
  return `${whose}: ${shownLine(policy.detail)}, and denies it all the same, so the pod does not attest well`;
}
