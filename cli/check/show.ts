import Table from "cli-table3";
import { decisionWords } from "../../core/access/changes.ts";
import { claimedInitData } from "../../core/access/model.ts";
import type { StackOutputs } from "../../core/plan/outputs.ts";
import { REVIEW_UNJUDGED, unjudgedText } from "../audit/unjudged.ts";
import { otherReaderLine } from "../../core/access/other-readers.ts";
import type { AgentResult } from "./agent-policy.ts";
import { outcomeOf, type Proof } from "./prove.ts";
import type { Difference, PolicyResult } from "./resource-policy.ts";
import { counted } from "../../core/shown.ts";

function number(value: number): string {
  return value.toLocaleString("en-US");
}

const seenWords = {
  allowed: "allowed",
  denied: "denied",
  aborts: "the evaluation fails with an error: Trustee denies, OPA alone may not",
} as const;

function differenceLines({ request, expected, seen }: Difference, stack: StackOutputs): string[] {
  const claim = claimedInitData(request.token);
  const [pod] = Object.entries(stack.initData).find(([, initData]) => initData === claim) ?? [];
  return [
    `  data      ${JSON.stringify(request.data)}`,
    `  token     ${JSON.stringify(request.token)}${pod === undefined ? "" : ` (${pod})`}`,
    `  expected  ${expected.allowed ? "allowed" : "denied"}: ${decisionWords[expected.why]}`,
    `  seen      ${seenWords[seen]}`,
  ];
}

function policyLines(result: PolicyResult, stack: StackOutputs): string[] {
  if (result.noPolicy !== undefined)
    return [`The text is not a policy in Rego ${result.syntax}: ${result.noPolicy}`];
  if (result.smallest === undefined) return [];
  const many = result.smallest.seen === "aborts" ? "requests" : counted(result.differences, "request");
  return [
    `In Rego ${result.syntax} the resource policy answers ${many} differently from the stack's grants. The smallest:`,
    ...differenceLines(result.smallest, stack),
  ];
}

/** The maximum number of wrong answers that are shown for an agent policy. */
const SHOWN = 3;

function agentLines({ pod, wrong, noPolicy }: AgentResult): string[] {
  if (noPolicy !== undefined) return [`The agent policy of ${pod} cannot be checked: ${noPolicy}`];
  if (wrong.length === 0) return [];
  const more = wrong.length - SHOWN;
  return [
    `The agent policy of ${pod} answers ${counted(wrong.length, "request")} differently from its declaration:`,
    ...wrong
      .slice(0, SHOWN)
      .map(
        ({ what, input, allowed }) =>
          `  ${what} is ${allowed ? "denied" : "allowed"}: ${JSON.stringify(input)}`,
      ),
    ...(more > 0 ? [`  and ${counted(more, "other")}: --json shows them all`] : []),
  ];
}

/** The number of requests and of differing answers. */
function proofTable({ policies, agents }: Proof): string {
  const table = new Table({
    head: ["policy", "requests", "to be allowed", "differ"],
    colAligns: ["left", "right", "right", "right"],
    style: { head: [], border: [] },
  });
  for (const { syntax, requests, allowed, differences, noPolicy } of policies) {
    const otherwise = noPolicy === undefined ? number(differences) : "no policy";
    table.push([`resource policy, Rego ${syntax}`, number(requests), number(allowed), otherwise]);
  }
  for (const { pod, requests, allowed, wrong, noPolicy } of agents) {
    const otherwise = noPolicy === undefined ? number(wrong.length) : "no policy";
    table.push([`agent policy of ${pod}`, number(requests), number(allowed), otherwise]);
  }
  return table.toString();
}

/** The last line. @param asked the number of requests */
const outcomeWords = (asked: number): Readonly<Record<ReturnType<typeof outcomeOf>, string>> => ({
  holds: `All ${number(asked)} requests are answered as the stack's grants require.`,
  differs: "The policies do not match the stack's grants.",
  unknown: `Whether the policies match the stack's grants is unknown. ${REVIEW_UNJUDGED}`,
});

/** The output of `trustee-access check`. */
export function proofText(proof: Proof, stack: StackOutputs): string {
  const asked = [...proof.policies, ...proof.agents].reduce((sum, { requests }) => sum + requests, 0);
  const problems = [
    proof.unjudged.length === 0
      ? []
      : [`The ${unjudgedText(proof.unjudged)}. The requests hold examples for them, or nothing.`],
    proof.beyondLimit === undefined ? [] : [proof.beyondLimit],
    ...proof.policies.map((result) => policyLines(result, stack)),
    proof.stale.map(
      ({ pod, path, output, policy }) =>
        `${pod} -> ${path}: the stack's output has "${decisionWords[output]}", the policy's grants have "${decisionWords[policy]}". Run pulumi up.`,
    ),
    ...proof.agents.map(agentLines),
  ].filter((lines) => lines.length > 0);
  return [
    `The policy of ${proof.from}:`,
    proofTable(proof),
    ...problems.map((lines) => lines.join("\n")),
    ...proof.otherReaders.map(otherReaderLine),
    outcomeWords(asked)[outcomeOf(proof)],
  ].join("\n");
}
