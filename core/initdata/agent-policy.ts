/**
 * The agent policy: what the host may request from the Kata agent in the guest. The defaults are the
 * tutorial's: everything that a pod needs, no policy change, no input to a container, exec only as declared.
 */

/** Every request of the agent API with the tutorial's default, in the tutorial's order. */
export const requestDefaults = {
  AddARPNeighborsRequest: true,
  AddSwapRequest: true,
  CloseStdinRequest: true,
  CopyFileRequest: true,
  CreateContainerRequest: true,
  CreateSandboxRequest: true,
  DestroySandboxRequest: true,
  GetMetricsRequest: true,
  GetOOMEventRequest: true,
  GuestDetailsRequest: true,
  ListInterfacesRequest: true,
  ListRoutesRequest: true,
  MemHotplugByProbeRequest: true,
  OnlineCPUMemRequest: true,
  PauseContainerRequest: true,
  PullImageRequest: true,
  RemoveContainerRequest: true,
  RemoveStaleVirtiofsShareMountsRequest: true,
  ReseedRandomDevRequest: true,
  ResumeContainerRequest: true,
  SetGuestDateTimeRequest: true,
  SetPolicyRequest: false,
  SignalProcessRequest: true,
  StartContainerRequest: true,
  StartTracingRequest: true,
  StatsContainerRequest: true,
  StopTracingRequest: true,
  TtyWinResizeRequest: true,
  UpdateContainerRequest: true,
  UpdateEphemeralMountsRequest: true,
  UpdateInterfaceRequest: true,
  UpdateRoutesRequest: true,
  WaitProcessRequest: true,
  WriteStreamRequest: false,
} as const;

export type AgentRequest = keyof typeof requestDefaults;

export interface AgentPolicy {
  /** Whether `kubectl logs` may read the container's output (`ReadStreamRequest`). */
  readonly logs: boolean;
  /** The commands that exec may run; empty: none. Arguments contain no space and are joined by one. */
  readonly allowedCommands: readonly string[];
  /** Requests that differ from the tutorial's defaults. @default none */
  readonly requests?: Readonly<Partial<Record<AgentRequest, boolean>>>;
}

/** The Confidential Data Hub's resource API in every confidential pod. */
const CDH_RESOURCE_URL = "http://127.0.0.1:8006/cdh/resource";

/** The command that reads a secret in a pod, as in the tutorial. */
export function curlCommand(secret: string, key: string, repository = "default"): string {
  return `curl -s ${CDH_RESOURCE_URL}/${repository}/${secret}/${key}`;
}

/**
 * Renders `policy.rego`. `policy_data` must be strict JSON at the end of the text; otherwise Trustee does not
 * report it as `agent_policy_claims` (the tutorial's trailing comma prevents that). Commands are compared
 * argument by argument. The tutorial joins them, so `["curl -s", URL]` passes for `["curl", "-s", URL]`.
 */
export function renderAgentPolicy(policy: AgentPolicy): string {
  const requests: Readonly<Record<string, boolean>> = { ...requestDefaults, ...policy.requests };
  const defaults = Object.entries(requests).map(
    ([request, allowed]) => `default ${request} := ${String(allowed)}`,
  );
  return `package agent_policy

import future.keywords.in
import future.keywords.if

${defaults.join("\n")}

# Logs
default ReadStreamRequest := ${String(policy.logs)}

# Exec: the declared commands only
default ExecProcessRequest := false

ExecProcessRequest if {
  some allowed_command in policy_data.allowed_commands
  input.process.Args == split(allowed_command, " ")
}

policy_data := ${JSON.stringify({ allowed_commands: policy.allowedCommands }, null, 2)}
`;
}
