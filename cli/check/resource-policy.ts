import { decide, type AccessRules, type Decision } from "../../core/access/model.ts";
import type { AccessRequest } from "../questions/requests.ts";
import { askResourcePolicy } from "../opa/batch.ts";
import { failureText, type RegoPolicy } from "../opa/opa.ts";

/** What the policy does with a request. `aborts`: its evaluation ends with an error in the engine that Trustee ships. */
export type Seen = "allowed" | "denied" | "aborts";

/** A request that the policy answers otherwise than the stack says. */
export interface Difference {
  readonly request: AccessRequest;
  readonly expected: Decision;
  readonly seen: Seen;
}

/** What came of asking a policy everything, in one syntax. */
export interface PolicyResult {
  readonly syntax: RegoPolicy["syntax"];
  readonly requests: number;
  /** How many of them the stack allows. */
  readonly allowed: number;
  /** How many are answered otherwise. */
  readonly differences: number;
  /** The smallest of them; of those that are allowed, where there are such. */
  readonly smallest?: Difference;
  /** Why nothing could be asked: the text is no policy in this syntax. */
  readonly noPolicy?: string;
}

/** The first request that makes a strict run end, where it is known that one does. */
async function firstAborting(
  policy: RegoPolicy,
  requests: readonly AccessRequest[],
): Promise<AccessRequest | undefined> {
  if (requests.length < 2) return requests[0];
  const half = requests.slice(0, Math.ceil(requests.length / 2));
  const answers = await askResourcePolicy(policy, half, true);
  return firstAborting(policy, answers.kind === "aborted" ? half : requests.slice(half.length));
}

/** How much there is to read in a request: the length of its JSON. */
function sizeOf({ data, token }: AccessRequest): number {
  return JSON.stringify([data, token]).length;
}

/**
 * Asks a policy every request, and compares with the model. Twice: as OPA answers by itself, and strictly, where a
 * builtin's error ends the evaluation as it does in Trustee; a policy that relies on either is wrong in the other.
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
  const answers = await askResourcePolicy(policy, bySize, false);
  if (answers.kind !== "answered")
    return { ...counts, differences: bySize.length, noPolicy: failureText(answers) };
  const differences = bySize.flatMap((request, index): Difference[] => {
    const seen = answers.allowed[index] === true;
    const decision = expected[index];
    if (decision === undefined || decision.allowed === seen) return [];
    return [{ request, expected: decision, seen: seen ? "allowed" : "denied" }];
  });
  // An open cell is worse than a closed one, and that one is worse than an evaluation that ends.
  const worst = differences.find(({ seen }) => seen === "allowed") ?? differences[0];
  if (worst !== undefined) return { ...counts, differences: differences.length, smallest: worst };
  const strict = await askResourcePolicy(policy, bySize, true);
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
