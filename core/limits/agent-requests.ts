import { requestDefaults } from "../initdata/agent-policy.ts";
import type { PlannedPod } from "../plan/pod.ts";
import { someOf } from "./images.ts";

/** Requests that the tutorial refuses, with what they let the host do. */
const refused: Readonly<Record<string, string>> = {
  SetPolicyRequest: "replace the agent policy in the running guest",
  WriteStreamRequest: "write to the input of a process in the guest",
  ExecProcessRequest: "run any command in the guest",
};

/** Commands with which whoever may exec can run others. */
const shells = /^(\S*\/)?(sh|bash|dash|ash|zsh|busybox|env|xargs|python\d*|perl|node)( |$)/;

/** What a policy text allows by default although the tutorial refuses it. */
function allowedInText(rego: string): readonly string[] {
  return Object.keys(refused).filter((request) =>
    new RegExp(`^\\s*default\\s+${request}\\s*:?=\\s*true\\b`, "m").test(rego),
  );
}

function widened({ declaration, facts }: PlannedPod): readonly string[] {
  if (facts !== undefined) {
    // Without a policy in its initdata a guest runs the one of its image.
    return facts.agentPolicy === undefined ? [] : allowedInText(facts.agentPolicy);
  }
  const defaults: Readonly<Record<string, boolean>> = requestDefaults;
  return Object.entries(declaration.agentPolicy.requests ?? {})
    .filter(([request, allowed]) => allowed && defaults[request] === false)
    .map(([request]) => request);
}

/** A warning for each request that an agent policy allows and the tutorial refuses, with the pods that it is in. */
export function agentRequestWarnings(pods: readonly PlannedPod[]): readonly string[] {
  const byRequest = new Map<string, string[]>();
  const shelled: string[] = [];
  for (const pod of pods) {
    const { id, agentPolicy } = pod.declaration;
    for (const request of widened(pod)) byRequest.set(request, [...(byRequest.get(request) ?? []), id]);
    if (pod.facts === undefined && agentPolicy.allowedCommands.some((command) => shells.test(command))) {
      shelled.push(id);
    }
  }
  const requests = [...byRequest].map(
    ([request, ids]) =>
      `agent policy of ${someOf(ids)}: ${request} is allowed, by which the host can ${refused[request] ?? "do what the tutorial refuses"}.`,
  );
  const commands =
    shelled.length === 0
      ? []
      : [
          `agent policy of ${someOf(shelled)}: execCommands allows a shell or another program that runs programs, whose input nobody checks.`,
        ];
  return [...requests, ...commands];
}
