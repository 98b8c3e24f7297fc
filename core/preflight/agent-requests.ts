import { requestDefaults } from "../initdata/agent-policy.ts";
import { given, someOf } from "../issues.ts";
import type { Plan } from "../plan/plan.ts";
import { getOrAdd, own } from "../records.ts";
import type { PodDeclaration } from "../settings/pod.ts";
import { startProblems, startRequests } from "./agent-policy-start.ts";
import { commandsIn, wideningsIn } from "./agent-policy-text.ts";
import { initdataFiles, type InitdataFile } from "./file-endpoints.ts";

/** Requests that the tutorial rejects, and what each lets the host do. */
const refused: Readonly<Record<string, string>> = {
  SetPolicyRequest: "replace the agent policy in the running guest",
  WriteStreamRequest: "write to the input of a process in the guest",
  ExecProcessRequest: "run any command in the guest",
  // Not a request, but a switch of the agent.
  AllowRequestsFailingPolicy: "do whatever the policy refuses",
};

/** Programs that run any command given to them. */
const runners =
  /^(\S*\/)?((ba|da|a|z|k|mk|fi|c|tc)?sh|busybox|toybox|env|xargs|python[\d.]*|perl[\d.]*|ruby[\d.]*|php[\d.]*|node(js)?)(\s|$)/;

/** A remark about one agent policy. Equal remarks are reported once, with all pods. */
interface Remark {
  readonly id: string;
  readonly says: string;
}

function requestWords(request: string, verb: "is" | "may be", where = ""): string {
  return `${request} ${verb} allowed${where}, so the host can ${own(refused, request) ?? "do what the tutorial refuses"}.`;
}

function commandWords(command: string, where = ""): string {
  return `exec may run ${given(command)}${where}, which can run any other program.`;
}

/** Remarks about a policy generated from the settings. */
function declaredRemarks({ id, agentPolicy }: PodDeclaration): readonly Remark[] {
  const defaults: Readonly<Record<string, boolean>> = requestDefaults;
  const widened = Object.entries(agentPolicy.requests ?? {}).filter(
    ([request, allowed]) => allowed && own(defaults, request) === false,
  );
  const cut = startRequests.filter((request) => agentPolicy.requests?.[request] === false);
  return [
    ...(cut.length === 0
      ? []
      : [
          {
            id,
            says: `it refuses ${cut.join(", ")}, which a guest needs to start: no pod starts with it. Remove these requests from agentRequests.`,
          },
        ]),
    ...widened.map(([request]) => ({ id, says: requestWords(request, "is") })),
    ...agentPolicy.allowedCommands
      .filter((command) => runners.test(command))
      .map((command) => ({ id, says: commandWords(command) })),
  ];
}

function lineWords(lines: readonly number[]): string {
  return ` (policy.rego, line${lines.length === 1 ? "" : "s"} ${lines.join(", ")})`;
}

/** Remarks about the policy in an initdata file. */
function fileRemarks({ id, facts: { agentPolicy } }: InitdataFile): readonly Remark[] {
  if (agentPolicy === undefined) {
    const says =
      "there is no policy.rego in the initdata file, so the one in the guest's image applies. By default it allows the host everything, including exec and policy changes.";
    return [{ id, says }];
  }
  const widenings = Map.groupBy(wideningsIn(agentPolicy, Object.keys(refused)), ({ request }) => request);
  return [
    ...startProblems(agentPolicy).map((says) => ({ id, says })),
    ...[...widenings].map(([request, found]) => {
      const verb = found.some(({ always }) => always) ? "is" : "may be";
      return { id, says: requestWords(request, verb, lineWords(found.map(({ line }) => line))) };
    }),
    ...commandsIn(agentPolicy)
      .filter(({ command }) => runners.test(command))
      .map(({ command, line }) => ({ id, says: commandWords(command, lineWords([line])) })),
  ];
}

/**
 * Warnings about agent policies, declared or in initdata files. One for everything that a policy allows and
 * the tutorial rejects, and one for everything that keeps a guest from starting.
 */
export function agentRequestWarnings(plan: Pick<Plan, "pods" | "readers">): readonly string[] {
  const remarks = [
    ...plan.pods.flatMap(({ declaration, facts }) =>
      facts === undefined ? declaredRemarks(declaration) : [],
    ),
    ...initdataFiles(plan).flatMap(fileRemarks),
  ];
  const bySaying = new Map<string, string[]>();
  for (const { id, says } of remarks) getOrAdd(bySaying, says, () => []).push(id);
  return [...bySaying].map(([says, ids]) => `agent policy of ${someOf([...new Set(ids)])}: ${says}`);
}
