import { shownLine } from "../../core/shown.ts";
import { currentCondition } from "./trustee.ts";
import { policyCondition } from "./policy.ts";
import { referenceCondition } from "./reference-values.ts";
import type { PodFacts, PolicyAnswers, StackFacts, TrusteeFacts } from "../audit/facts.ts";
import { readPodClaims } from "../audit/pod-claims.ts";
import { likelyClaim } from "../audit/likely-claim.ts";

/** A cell that the KBS denied, and the live state of both sides. */
export interface DeniedCell {
  readonly trustee: TrusteeFacts;
  readonly pod: PodFacts;
  readonly secret: string;
  readonly key: string;
  readonly answers: PolicyAnswers;
  /** Whether the log says that the policy denied it; otherwise the secret may not exist. */
  readonly byPolicy: boolean;
  /** The cell's stack, and the pod's name in it. */
  readonly stack?: StackFacts;
  readonly reader?: string;
}

/**
 * Why a denied pod fails attestation, if it does. The KBS also attests a pod with an unregistered digest, as
 * contraindicated, and its log then looks like an ordinary denial. Two facts distinguish them:
 * - the live reference values;
 * - a denial in the log although the policy grants the secret to this digest.
 * @returns `undefined` if the policy alone explains the denial
 */
export function attestationProblem(cell: DeniedCell): string | undefined {
  const { trustee, pod, secret, key, answers, byPolicy, stack, reader } = cell;
  const claims = readPodClaims(pod);
  if (claims === undefined) return "the pod has no initdata annotation";
  if ("problem" in claims) return `the pod's initdata cannot be read: ${shownLine(claims.problem)}`;
  const claim = likelyClaim(pod, claims, { trustee, stack, reader });
  if (claim === undefined) return "no TEE can bind the pod's initdata";
  const whose = `${claim.name} ${claim.value}`;
  const reference = referenceCondition(trustee, pod, claim, stack);
  if (reference.status === "fails") return `${whose}: ${shownLine(reference.detail)}`;
  const policy = policyCondition({ trustee, answers, pod, claims, claim, secret, key });
  const isCurrent = currentCondition(trustee, secret).status === "holds";
  if (!byPolicy || policy.status !== "holds" || !isCurrent) return undefined;
  return `${whose}: ${shownLine(policy.detail)}, but the KBS denies it, so the pod does not attest well`;
}
