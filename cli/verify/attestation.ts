import { isAsExpected } from "./outcome.ts";
import { attestationProblem } from "../explain/denial.ts";
import type { PodFacts, PolicyAnswers, StackFacts, TrusteeFacts } from "../audit/facts.ts";
import { lostStacks } from "../lint/stacks.ts";
import { vanishedWords } from "../../core/policy/vanished.ts";
import { own } from "../../core/records.ts";
import { KubeError } from "../../kube/errors.ts";
import { connect } from "../live/connect.ts";
import { readTrustee } from "../live/read-trustee.ts";
import { runningPods } from "../live/read-pods.ts";
import { stackFacts } from "../audit/stack.ts";
import type { StackOutputs } from "../../core/plan/outputs.ts";
import type { VerifiedCell } from "./read-cell.ts";

/** Cells with the reasons of their denials, or why these are unknown. */
export interface ToldApart {
  readonly cells: readonly VerifiedCell[];
  /** Stacks whose grants the policy has lost, as text. */
  readonly lost: readonly string[];
  /** Why Trustee's side, or the pods, could not be read. */
  readonly problem?: string;
}

/** Foreign policies are not evaluated here: the reference values usually suffice. */
const answers: PolicyAnswers = { kind: "none", reason: "verify does not evaluate policies" };

interface Live {
  readonly stack: StackFacts;
  readonly trustee: TrusteeFacts;
  /** By the pod's name in the stack. */
  readonly pods: ReadonlyMap<string, PodFacts>;
}

/** Both sides' live state, with the pods of these cells. */
async function readLive(stack: StackOutputs, cells: readonly VerifiedCell[]): Promise<Live> {
  const sides = connect({}, stack);
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
 * Separates pods that do not attest well from those that the policy denies, by the live reference values: the
 * KBS's log has `PolicyDeny` for both. Also checks that the policy still has every stack's grants.
 */
export async function tellApart(stack: StackOutputs, cells: readonly VerifiedCell[]): Promise<ToldApart> {
  const isDenial = ({ seen }: VerifiedCell): boolean => seen === "policy-denied" || seen === "denied";
  try {
    const live = await readLive(stack, cells.filter(isDenial));
    const lost = lostStacks(live.trustee).map(vanishedWords);
    return { cells: cells.map((cell) => (isDenial(cell) ? retold(cell, live) : cell)), lost };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return { cells, lost: [], problem: error.text };
  }
}
