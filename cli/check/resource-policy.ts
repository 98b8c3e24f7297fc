import { decide, type Decision } from "../../core/access/model.ts";
import type { AccessRules } from "../../core/policy/grants.ts";
import type { AccessRequest } from "../questions/requests.ts";
import { askResourcePolicy } from "../opa/batch.ts";
import { failureText, type RegoPolicy } from "../opa/opa.ts";

/** The policy's answer. `aborts`: the evaluation fails with an error in Trustee's engine. */
export type Seen = "allowed" | "denied" | "aborts";

/** A request that the policy answers differently from the stack's grants. */
export interface Difference {
  readonly request: AccessRequest;
  readonly expected: Decision;
  readonly seen: Seen;
}

/** The result of checking a policy in one syntax. */
export interface PolicyResult {
  readonly syntax: RegoPolicy["syntax"];
  readonly requests: number;
  /** How many of them the stack allows. */
  readonly allowed: number;
  /** How many answers differ. */
  readonly differences: number;
  /** The smallest differing request, preferably one that is allowed. */
  readonly smallest?: Difference;
  /** Why it could not be checked: the text is not a policy in this syntax. */
  readonly noPolicy?: string;
}

/** The first request that aborts a strict run, if one is known to. */
async function firstAborting(
  policy: RegoPolicy,
  requests: readonly AccessRequest[],
): Promise<AccessRequest | undefined> {
  if (requests.length < 2) return requests[0];
  const half = requests.slice(0, Math.ceil(requests.length / 2));
  const answers = await askResourcePolicy(policy, half, true);
  return firstAborting(policy, answers.kind === "aborted" ? half : requests.slice(half.length));
}

/** A request's size: the length of its JSON. */
function sizeOf({ data, token }: AccessRequest): number {
  return JSON.stringify([data, token]).length;
}

/**
 * Asks a policy every request and compares the answers with the model. The policy must pass as OPA evaluates by
 * default, and strictly, as Trustee does, where a builtin's error ends the evaluation. Without such an error,
 * the answers are the same.
 */
export async function checkResourcePolicy(
  policy: RegoPolicy,
  rules: AccessRules,
  requests: readonly AccessRequest[],
): Promise<PolicyResult> {
  const bySize = requests
    .map((request) => ({ request, size: sizeOf(request) }))
    .sort((a, b) => a.size - b.size)
    .map(({ request }) => request);
  const expected = bySize.map(({ data, token }) => decide(rules, data, token));
  const counts = {
    syntax: policy.syntax,
    requests: bySize.length,
    allowed: expected.filter(({ allowed }) => allowed).length,
  };
  const strict = await askResourcePolicy(policy, bySize, true);
  const answers = strict.kind === "answered" ? strict : await askResourcePolicy(policy, bySize, false);
  if (answers.kind !== "answered")
    return { ...counts, differences: bySize.length, noPolicy: failureText(answers) };
  const differences = bySize.flatMap((request, index): Difference[] => {
    const seen = answers.allowed[index] === true;
    const decision = expected[index];
    if (decision === undefined || decision.allowed === seen) return [];
    return [{ request, expected: decision, seen: seen ? "allowed" : "denied" }];
  });
  // An open cell is worse than a closed one, which is worse than an error.
  const worst = differences.find(({ seen }) => seen === "allowed") ?? differences[0];
  if (worst !== undefined) return { ...counts, differences: differences.length, smallest: worst };
  if (strict.kind === "answered") return { ...counts, differences: 0 };
  const request = await firstAborting(policy, bySize);
  if (request === undefined) return { ...counts, differences: 1 };
  const smallest: Difference = {
    request,
    expected: decide(rules, request.data, request.token),
    seen: "aborts",
  };
  return { ...counts, differences: 1, smallest };
}
