import { agentCases, type AgentCase, type DeclaredAgent } from "../questions/agent-requests.ts";
import { askAgentPolicy } from "../opa/batch.ts";
import { failureText, type RegoPolicy } from "../opa/opa.ts";

/** What came of asking one pod's agent policy. */
export interface AgentResult {
  readonly pod: string;
  readonly requests: number;
  readonly allowed: number;
  /** Requests that it answers otherwise than declared. */
  readonly wrong: readonly AgentCase[];
  /** Why nothing could be asked. */
  readonly noPolicy?: string;
}

/**
 * Asks a pod's agent policy whether it allows what is declared, and refuses what is almost that. A builtin's error counts as a
 * refusal, as it does in the agent.
 */
export async function checkAgentPolicy(
  pod: string,
  policy: RegoPolicy,
  declared: DeclaredAgent,
): Promise<AgentResult> {
  const cases = agentCases(declared);
  const counts = { pod, requests: cases.length, allowed: cases.filter(({ allowed }) => allowed).length };
  const answers = await askAgentPolicy(policy, cases);
  if (answers.kind !== "answered") return { ...counts, wrong: [], noPolicy: failureText(answers) };
  return { ...counts, wrong: cases.filter(({ allowed }, index) => answers.allowed[index] !== allowed) };
}
