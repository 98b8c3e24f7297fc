import { execa } from "execa";
import { z } from "zod";
import type { DeclaredAgent } from "../../../core/access/agent-requests.ts";
import { parseJson } from "../../../core/json.ts";
import type { RegoPolicy } from "../../rego/batch.ts";

/**
 * What an agent policy of the user's own says it allows: `policy_data.allowed_commands`, as the tutorial has it. Nothing is
 * known of what else it should allow.
 */
export async function declaredCommands({ opa, file }: RegoPolicy): Promise<DeclaredAgent> {
  const { stdout } = await execa(
    opa,
    ["eval", "--v0-compatible", "--format=raw", "-d", file, "data.agent_policy.policy_data.allowed_commands"],
    { reject: false, timeout: 30_000 },
  );
  const commands = z.array(z.string()).safeParse(parseJson(stdout));
  return { allowedCommands: commands.success ? commands.data : [] };
}
