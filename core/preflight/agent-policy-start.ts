import type { AgentRequest } from "../initdata/agent-policy.ts";
import { own } from "../records.ts";
import { shownName } from "../shown.ts";
import { regoStatements } from "../rego/rules.ts";
import { bracket, isSign, isWord, regoTokens, type RegoToken } from "../rego/tokens.ts";
import { wideningsIn } from "./agent-policy-text.ts";

/**
 * The requests that every container start needs: sandbox, network, mounted files, container. An error in any
 * of them ends the start.
 * @see https://github.com/kata-containers/kata-containers/blob/main/src/runtime/virtcontainers/kata_agent.go
 *   (`startSandbox`, `setupNetworks`, `createContainer`, `startContainer`, `copyFile`) and api.go
 *   (`getAndStoreGuestDetails`)
 */
export const startRequests = [
  "CreateSandboxRequest",
  "GuestDetailsRequest",
  "UpdateInterfaceRequest",
  "UpdateRoutesRequest",
  "CopyFileRequest",
  "CreateContainerRequest",
  "StartContainerRequest",
  "WaitProcessRequest",
] as const satisfies readonly AgentRequest[];

/** The package that the agent evaluates. */
const PACKAGE = "agent_policy";

/** The policy's package, without spaces; empty if it has none. */
function packageOf(rego: string): string {
  const [keyword, ...path] = regoStatements(rego)[0]?.tokens ?? [];
  return isWord(keyword, "package") ? path.map(({ text }) => text).join("") : "";
}

const closing: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** The line of the first unbalanced bracket or string; undefined if there is none. */
function unbalancedLine(tokens: readonly RegoToken[]): number | undefined {
  const open: RegoToken[] = [];
  for (const token of tokens) {
    const isOpenText = token.text === "`" || (token.kind === "string" && !/^(["`]).*\1$/s.test(token.text));
    if (isOpenText || token.text === '"') return token.line;
    if (bracket(token) > 0) open.push(token);
    else if (bracket(token) < 0 && !isSign(token, own(closing, open.pop()?.text ?? "") ?? ""))
      return token.line;
  }
  return open.at(-1)?.line;
}

/** The first name with two defaults, and the line of the second. */
function secondDefault(rego: string): { readonly name: string; readonly line: number } | undefined {
  const names = new Set<string>();
  for (const { name, isDefault, tokens } of regoStatements(rego)) {
    if (isDefault && names.has(name)) return { name, line: tokens[0]?.line ?? 0 };
    if (isDefault) names.add(name);
  }
  return undefined;
}

/** The start requests that an agent policy always rejects. */
export function refusedAtStart(rego: string): readonly AgentRequest[] {
  if (packageOf(rego) !== PACKAGE) return startRequests;
  const allowed = new Set(
    wideningsIn(rego, [...startRequests, "AllowRequestsFailingPolicy"]).map(({ request }) => request),
  );
  if (allowed.has("AllowRequestsFailingPolicy")) return [];
  return startRequests.filter((request) => !allowed.has(request));
}

/** Why no guest starts with an agent policy, by its text. One sentence each. */
export function startProblems(rego: string): readonly string[] {
  const open = unbalancedLine(regoTokens(rego));
  const twice = secondDefault(rego);
  const name = packageOf(rego);
  const refused = refusedAtStart(rego);
  const broken = [
    ...(open === undefined ? [] : [`a bracket or a string is not closed (policy.rego, line ${open})`]),
    ...(twice === undefined
      ? []
      : [`${shownName(twice.name)} has two defaults (policy.rego, line ${twice.line})`]),
    ...(name === "" ? ["it has no package"] : []),
  ].map((what) => `${what}, so it does not compile, and no guest starts with it.`);
  if (name !== PACKAGE) {
    const words = `its package is ${shownName(name)}, but the agent evaluates ${PACKAGE}: it refuses every request, and no guest starts with it.`;
    return name === "" ? broken : [...broken, words];
  }
  if (refused.length === 0) return broken;
  return [
    ...broken,
    `it refuses ${refused.join(", ")}, which a guest needs to start: no pod starts with it. Allow them, for example default ${refused[0] ?? ""} := true.`,
  ];
}
