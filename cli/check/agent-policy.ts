import { z } from "zod";
import { agentCases, type AgentCase, type DeclaredAgent } from "../questions/agent-requests.ts";
import { askAgentPolicy } from "../opa/batch.ts";
import { evaluate, failureText, type RegoPolicy } from "../opa/opa.ts";

/** The result of checking a pod's agent policy. */
export interface AgentResult {
  readonly pod: string;
  readonly requests: number;
  readonly allowed: number;
  /** Requests that it answers differently from its declaration. */
  readonly wrong: readonly AgentCase[];
  /** Why it could not be checked. */
  readonly noPolicy?: string;
}

/**
 * Checks that a pod's agent policy allows what is declared and denies near misses. As in the agent, an error
 * denies.
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

/**
 * The commands that a user's own agent policy lists in `policy_data.allowed_commands`, as in the tutorial.
 */
export async function declaredCommands(policy: RegoPolicy): Promise<DeclaredAgent> {
  const answer = await evaluate(policy, "data.agent_policy.policy_data.allowed_commands", {}, false);
  const commands = z.array(z.string()).safeParse(answer.kind === "answered" ? answer.value : undefined);
  return { allowedCommands: commands.success ? commands.data : [] };
}
