import { isAsExpected } from "./outcome.ts";
import { attestationProblem } from "../explain/denial.ts";
import type { PodFacts, PolicyAnswers, StackFacts, TrusteeFacts } from "../audit/facts.ts";
import { lostStacks } from "../lint/stacks.ts";
import { vanishedWords } from "../../core/policy/vanished.ts";
import { own } from "../../core/records.ts";
import { KubeError } from "../../kube/errors.ts";
import { connectStack } from "../live/connect.ts";
import { readTrustee } from "../live/read-trustee.ts";
import { runningPods } from "../live/workload.ts";
import { stackFacts } from "../commands/stack.ts";
import type { StackOutputs } from "../../core/outputs.ts";
import type { VerifiedCell } from "./read-cell.ts";

/** Cells whose denials were told apart, or why they could not be. */
export interface ToldApart {
  readonly cells: readonly VerifiedCell[];
  /** Stacks whose grants the policy has lost, in words. */
  readonly lost: readonly string[];
  /** Why Trustee's side, or the pods, could not be read. */
  readonly problem?: string;
}

/** A policy that is not this project's own is not evaluated here; the reference values tell most. */
const answers: PolicyAnswers = { kind: "none", reason: "verify does not evaluate policies" };

interface Live {
  readonly stack: StackFacts;
  readonly trustee: TrusteeFacts;
  /** By the name that the stack knows a pod by. */
  readonly pods: ReadonlyMap<string, PodFacts>;
}

/** Both sides as they are now, with the pods of these cells. */
async function readLive(stack: StackOutputs, cells: readonly VerifiedCell[]): Promise<Live> {
  const sides = connectStack(stack);
  const denied = [...new Set(cells.map(({ reader }) => reader))];
  const [trustee, pods] = await Promise.all([
    readTrustee(sides.trustee, sides.place),
    Promise.all(
      denied.map(async (reader): Promise<readonly [string, PodFacts][]> => {
        const declared = own(stack.pods, reader);
        if (declared === undefined) return [];
        const { name = reader, namespace, kind } = declared;
        const [pod] = await runningPods(sides.pods, { kind, namespace, name });
        return pod === undefined ? [] : [[reader, pod]];
      }),
    ),
  ]);
  return { stack: stackFacts(stack), trustee, pods: new Map(pods.flat()) };
}

function retold(cell: VerifiedCell, { stack, trustee, pods }: Live): VerifiedCell {
  const { secret, key, reader } = cell;
  const pod = pods.get(reader);
  if (pod === undefined) return cell;
  const byPolicy = cell.seen === "policy-denied";
  const problem = attestationProblem({ trustee, pod, secret, key, answers, byPolicy, stack, reader });
  if (problem === undefined) return cell;
  const seen = "attestation-failed";
  return { ...cell, seen, ok: isAsExpected(cell.expected, seen), detail: problem };
}

/**
 * Tells the denials of pods that do not attest well from those by the policy, by what is live on Trustee's side: the KBS's
 * log has `PolicyDeny` for both. And looks whether the policy still has every stack's grants.
 */
export async function tellApart(stack: StackOutputs, cells: readonly VerifiedCell[]): Promise<ToldApart> {
  const isDenial = ({ seen }: VerifiedCell): boolean => seen === "policy-denied" || seen === "denied";
  try {
    const live = await readLive(stack, cells.filter(isDenial));
    const lost = lostStacks(live.trustee).map(vanishedWords);
    return { cells: cells.map((cell) => (isDenial(cell) ? retold(cell, live) : cell)), lost };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return { cells, lost: [], problem: error.message };
  }
}
