import { agentPolicyIn } from "../../core/initdata/annotated-policy.ts";
import { commandsIn, wideningsIn } from "../../core/preflight/agent-policy-text.ts";
import { regoStatements } from "../../core/rego/rules.ts";
import { regoTokens } from "../../core/rego/tokens.ts";

/** Request -> 2 if every such request is allowed, 1 if some may be. */
function allowedIn(rego: string): ReadonlyMap<string, number> {
  const names = [...new Set(regoStatements(rego).map(({ name }) => name))];
  const isRequest = (name: string): boolean =>
    name.endsWith("Request") || name === "AllowRequestsFailingPolicy";
  const found = Map.groupBy(wideningsIn(rego, names.filter(isRequest)), ({ request }) => request);
  return new Map([...found].map(([name, lines]) => [name, lines.some(({ always }) => always) ? 2 : 1]));
}

function sameCode(one: string, other: string): boolean {
  const code = (rego: string): string => JSON.stringify(regoTokens(rego).map(({ text }) => text));
  return code(one) === code(other);
}

function widerText(before: string, after: string): readonly string[] {
  if (sameCode(before, after)) return [];
  const [was, will] = [allowedIn(before), allowedIn(after)];
  const known = new Set(commandsIn(before).map(({ command }) => command));
  const commands = new Set(commandsIn(after).flatMap(({ command }) => (known.has(command) ? [] : [command])));
  return [
    ...[...commands].map((command) => `exec ${JSON.stringify(command)}`),
    ...[...will].filter(([name, much]) => much > (was.get(name) ?? 0)).map(([name]) => name),
    "unknown: what else the new policy.rego allows, since the settings do not declare it",
  ];
}

const NOT_DECLARED = "unknown: its own agent policy is not declared in the settings";

/**
 * What the agent policy in an initdata annotation allows, and the previous one does not. Rules can do more than
 * their text shows, so a changed one is never fully known.
 * @param before absent: unknown, as for the outputs of an older release
 */
export function widerInitdata(before: string | undefined, after: string | undefined): readonly string[] {
  if (before === undefined || after === undefined) return [NOT_DECLARED];
  try {
    const [was, will] = [agentPolicyIn(before), agentPolicyIn(after)];
    if (will === undefined)
      return was === undefined
        ? []
        : ["unknown: it has no policy.rego, so the one in the guest's image applies"];
    return was === undefined ? [NOT_DECLARED] : widerText(was, will);
  } catch {
    return [NOT_DECLARED];
  }
}
