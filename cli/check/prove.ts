import { Listr } from "listr2";
import type { Column } from "../../core/access/matrix.ts";
import { affirmingToken } from "../../core/access/token.ts";
import { decide, type Decision } from "../../core/access/model.ts";
import { DEFAULT_REPOSITORY } from "../../core/names.ts";
import { otherReaders, type OtherReader } from "../../core/access/other-readers.ts";
import { accessRequests } from "../questions/requests.ts";
import { agentPolicyIn } from "../../core/initdata/annotated-policy.ts";
import { refusedAtStart } from "../../core/preflight/agent-policy-start.ts";
import { defined, own } from "../../core/records.ts";
import { mergeGrants, type AccessRules } from "../../core/policy/grants.ts";
import { parseRegistry } from "../../core/policy/registry.ts";
import type { RegoSyntax } from "../audit/facts.ts";
import { unjudgedFields } from "../audit/unjudged.ts";
import { bindingsOf } from "../audit/stack.ts";
import { limitText } from "../lint/nobody.ts";
import type { StackOutputs } from "../../core/plan/outputs.ts";
import { checkAgentPolicy, declaredCommands, type AgentResult } from "./agent-policy.ts";
import { checkResourcePolicy, type PolicyResult } from "./resource-policy.ts";
import type { PolicyText } from "./source.ts";

/** A cell whose reason in the stack's outputs differs from the grants in the policy. */
export interface StaleCell {
  readonly pod: string;
  readonly path: string;
  readonly output: Decision["why"];
  readonly policy: Decision["why"];
}

/** The result of a check. */
export interface Proof {
  readonly from: string;
  readonly policies: readonly PolicyResult[];
  readonly stale: readonly StaleCell[];
  readonly agents: readonly AgentResult[];
  /** Readers of the stack's secrets by other stacks' grants in this policy. They are expected. */
  readonly otherReaders: readonly OtherReader[];
  /** The limit of the KBS's policy engine that the policy exceeds, as a sentence. */
  readonly beyondLimit?: string;
  /** Fields that the resource policy reads and that the requests hold no real values for. */
  readonly unjudged: readonly string[];
}

/** Whether everything matches the stack. A policy that is not judged may answer a real pod differently. */
export function outcomeOf({
  policies,
  stale,
  agents,
  unjudged,
  beyondLimit,
}: Proof): "holds" | "differs" | "unknown" {
  const isJudged = unjudged.length === 0;
  const differs =
    policies.some(({ differences, noPolicy }) => noPolicy !== undefined || (isJudged && differences > 0)) ||
    stale.length > 0 ||
    beyondLimit !== undefined ||
    agents.some(({ wrong, noPolicy }) => wrong.length > 0 || noPolicy !== undefined);
  if (differs) return "differs";
  return isJudged ? "holds" : "unknown";
}

/** The columns of the stack's matrix. */
function columnsOf(stack: StackOutputs): readonly Column[] {
  const paths = new Set(Object.values(stack.access).flatMap((row) => Object.keys(row)));
  return [...paths].map((path) => {
    const [secret = "", key = ""] = path.split("/");
    return { secret, key };
  });
}

/** The expected rules: this stack's grants from its outputs, other stacks' from the policy's text. */
function rulesOf(stack: StackOutputs, text: string): AccessRules {
  const others = (parseRegistry(text)?.stacks ?? []).filter((one) => one.stack !== stack.grants.stack);
  return mergeGrants([...others, stack.grants]);
}

function staleCells(stack: StackOutputs, rules: AccessRules): readonly StaleCell[] {
  const bindings = bindingsOf(stack);
  return Object.entries(stack.access).flatMap(([pod, row]) =>
    Object.entries(row).flatMap(([path, output]) => {
      const data = { "resource-path": [DEFAULT_REPOSITORY, ...path.split("/")], plugin: "resource" };
      const { why } = decide(rules, data, affirmingToken(own(stack.initData, pod) ?? "", own(bindings, pod)));
      return why === output ? [] : [{ pod, path, output, policy: why }];
    }),
  );
}

/** A policy of this project must work in both syntaxes, a foreign one in its Trustee's. */
function syntaxesFor({ text, syntax }: PolicyText): readonly RegoSyntax[] {
  return parseRegistry(text) === undefined ? [syntax] : ["v0", "v1"];
}

/** The limit that the policy exceeds on this Trustee; OPA has none. */
function beyondLimit(policy: PolicyText): string | undefined {
  const found = policy.syntax === "v1" ? limitText(policy.text) : undefined;
  return found && `${found.words}, so KBS v0.20 and later deny every request. ${found.fix}`;
}

async function checkAgent(stack: StackOutputs, opa: string, pod: string): Promise<AgentResult> {
  const text = agentPolicyIn(own(stack.annotations, pod) ?? "");
  if (text === undefined) {
    const noPolicy = "the initdata has no policy.rego, so the guest image's policy decides";
    return { pod, requests: 0, allowed: 0, wrong: [], noPolicy };
  }
  const policy = { opa, text, syntax: "v0" } as const;
  const declared = own(stack.pods, pod)?.agentPolicy ?? (await declaredCommands(policy));
  return checkAgentPolicy(pod, policy, { ...declared, needed: refusedAtStart(text) });
}

/**
 * Asks the policies all requests in a real Rego engine.
 * @param progress whether to show progress
 */
export async function prove(policy: PolicyText, opa: string, progress: boolean): Promise<Proof> {
  const { stack, text, from } = policy;
  const rules = rulesOf(stack, text);
  const requests = accessRequests({
    rules,
    claims: Object.values(stack.initData),
    columns: columnsOf(stack),
  });
  const policies: PolicyResult[] = [];
  const agents: AgentResult[] = [];
  const tasks = [
    ...syntaxesFor(policy).map((syntax) => ({
      title: `Resource policy, Rego ${syntax}`,
      task: async () => {
        policies.push(await checkResourcePolicy({ opa, text, syntax }, rules, requests));
      },
    })),
    ...Object.keys(stack.annotations).map((pod) => ({
      title: `Agent policy of ${pod}`,
      task: async () => {
        agents.push(await checkAgent(stack, opa, pod));
      },
    })),
  ];
  await new Listr(tasks, { renderer: progress ? "default" : "silent" }).run();
  return {
    from,
    policies,
    stale: staleCells(stack, rules),
    agents,
    otherReaders: otherReaders(text, stack.grants),
    ...defined({ beyondLimit: beyondLimit(policy) }),
    unjudged: unjudgedFields(text),
  };
}
