import { z } from "zod";
import type { DeclaredAgent } from "../questions/agent-requests.ts";
import { evaluate, type RegoPolicy } from "../opa/opa.ts";

/**
 * What an agent policy of the user's own says it allows: `policy_data.allowed_commands`, as the tutorial has it. Nothing is
 * known of what else it should allow.
 */
export async function declaredCommands(policy: RegoPolicy): Promise<DeclaredAgent> {
  const answer = await evaluate(policy, "data.agent_policy.policy_data.allowed_commands", {}, false);
  const commands = z.array(z.string()).safeParse(answer.kind === "answered" ? answer.value : undefined);
  return { allowedCommands: commands.success ? commands.data : [] };
}
