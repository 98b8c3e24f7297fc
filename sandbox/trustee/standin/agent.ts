import type { Measurement } from "./measurement.ts";
import { evaluate } from "./rego.ts";

/** A request to the guest's agent that its policy decides on. */
export type AgentRequest = "ExecProcessRequest" | "ReadStreamRequest";

/**
 * Asks the agent policy in a VM's initdata, as the guest's agent does. Without a policy all is allowed, which is the
 * default of the agent as it is released.
 * @returns why the request is refused, or undefined
 */
export async function refusal(
  opa: string,
  measurement: Measurement,
  request: AgentRequest,
  input: unknown,
): Promise<string | undefined> {
  if (measurement.agentPolicy === undefined) return undefined;
  const answer = await evaluate(opa, {
    policy: measurement.agentPolicy,
    query: `data.agent_policy.${request}`,
    input,
    data: {},
    syntax: "v0",
  });
  if ("value" in answer && answer.value === true) return undefined;
  const why = "error" in answer ? `: ${answer.error.message}` : "";
  return `rpc status: Status { code: PERMISSION_DENIED, message: "\\"${request} is blocked by policy${why}\\"" }`;
}
