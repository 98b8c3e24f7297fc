import { z } from "zod";
import type { PolicyAnswer } from "../audit/facts.ts";
import type { AccessRequest } from "../questions/requests.ts";
import { evaluate, evaluateLines, type OpaFailure, type RegoPolicy } from "./opa.ts";

/** The answers in the order of the questions, or why there are none. */
export type BatchAnswers = { readonly kind: "answered"; readonly allowed: readonly boolean[] } | OpaFailure;

const numbersSchema = z.record(z.string(), z.array(z.number()));

/** @param query evaluates to an object of lists: the indexes of the questions whose answer is `true` */
async function numbersTrue(
  policy: RegoPolicy,
  query: string,
  input: unknown,
  count: number,
  strict: boolean,
): Promise<BatchAnswers> {
  const answer = await evaluate(policy, query, input, strict);
  if (answer.kind !== "answered") return answer;
  const allowed = new Set(Object.values(numbersSchema.parse(answer.value ?? {})).flat());
  return { kind: "answered", allowed: Array.from({ length: count }, (_, index) => allowed.has(index)) };
}

/** By the documents that a request has: `with` can replace a document, but not remove it. */
const presences = {
  both: ['data["resource-path"] as path', "data.plugin as plugin"],
  path: ['data["resource-path"] as path'],
  plugin: ["data.plugin as plugin"],
  neither: [],
} as const;
type Presence = keyof typeof presences;

/** Replaces the documents by variables. */
function withs(presence: Presence): string {
  return [...presences[presence], "input as token"].map((one) => `with ${one}`).join(" ");
}

function presenceOf({ data }: AccessRequest): Presence {
  if (Object.hasOwn(data, "resource-path")) return Object.hasOwn(data, "plugin") ? "both" : "path";
  return Object.hasOwn(data, "plugin") ? "plugin" : "neither";
}

/** Numbers values by identity: requests share paths and tokens, which are sent once. */
class Numbered {
  readonly values: unknown[] = [];
  readonly #numbers = new Map<unknown, number>();

  numberOf(value: unknown): number {
    const known = this.#numbers.get(value);
    if (known !== undefined) return known;
    this.#numbers.set(value, this.values.length);
    return this.values.push(value) - 1;
  }
}

/** Requests per run, to limit memory. */
const BATCH = 50_000;

/**
 * Evaluates `data.policy.allow` for each request, in as few runs of OPA as possible.
 * @param strict a builtin's error ends the evaluation, as in Trustee's engine; otherwise it is undefined
 */
export async function askResourcePolicy(
  policy: RegoPolicy,
  requests: readonly AccessRequest[],
  strict: boolean,
): Promise<BatchAnswers> {
  const allowed: boolean[] = [];
  for (let start = 0; start < requests.length; start += BATCH) {
    const answers = await askOnce(policy, requests.slice(start, start + BATCH), strict);
    if (answers.kind !== "answered") return answers;
    allowed.push(...answers.allowed);
  }
  return { kind: "answered", allowed };
}

async function askOnce(
  policy: RegoPolicy,
  requests: readonly AccessRequest[],
  strict: boolean,
): Promise<BatchAnswers> {
  const documents = new Numbered();
  const asked: Record<Presence, number[][]> = { both: [], path: [], plugin: [], neither: [] };
  for (const [index, request] of requests.entries()) {
    const { data, token } = request;
    asked[presenceOf(request)].push([
      index,
      documents.numberOf(data["resource-path"]),
      documents.numberOf(data.plugin),
      documents.numberOf(token),
    ]);
  }
  // Plain variables, since OPA evaluates a reference into a variable after `with` as undefined.
  const lists = (["both", "path", "plugin", "neither"] as const).map(
    (presence) => `"${presence}": [index | some number
      [index, p, q, t] := input.asked.${presence}[number]
      path := input.documents[p]; plugin := input.documents[q]; token := input.documents[t]
      data.policy.allow == true ${withs(presence)}]`,
  );
  const values = documents.values.map((value) => value ?? null);
  return numbersTrue(policy, `{${lists.join(", ")}}`, { asked, documents: values }, requests.length, strict);
}

/** Requests per run with a line for each: the query is an argument of the program. */
const LINES = 400;

const allowedSchema = z.record(z.string(), z.array(z.boolean()));

/** Asks each request in a line of the query. `undefined`: OPA does not say which lines fail. */
async function askByLines(
  policy: RegoPolicy,
  requests: readonly AccessRequest[],
): Promise<readonly PolicyAnswer[] | undefined> {
  const answers: PolicyAnswer[] = [];
  for (let start = 0; start < requests.length; start += LINES) {
    const asked = requests.slice(start, start + LINES);
    const lines = asked.map((request, index) => {
      const variables = `path := input[${index}].path; plugin := input[${index}].plugin; token := input[${index}].token`;
      return `"${index}": [true | ${variables}; data.policy.allow == true ${withs(presenceOf(request))}]`;
    });
    const input = asked.map(({ data, token }) => ({
      path: data["resource-path"] ?? null,
      plugin: data.plugin ?? null,
      token: token ?? null,
    }));
    const { value, failing } = await evaluateLines(policy, `{${lines.join(",\n")}}`, input);
    if (failing === undefined) return undefined;
    const allowed = allowedSchema.parse(value);
    for (const index of asked.keys()) {
      const message = failing.get(index + 1);
      const isAllowed = allowed[index]?.includes(true) === true;
      answers.push(message === undefined ? isAllowed : { failed: "evaluation", message });
    }
  }
  return answers;
}

/** An error ends a run for all of its requests, so the failing ones are found by halving. */
async function askByHalves(
  policy: RegoPolicy,
  requests: readonly AccessRequest[],
): Promise<readonly PolicyAnswer[]> {
  const answers = await askResourcePolicy(policy, requests, true);
  if (answers.kind === "answered") return answers.allowed;
  if (requests.length < 2) return requests.map(() => ({ failed: "evaluation", message: answers.message }));
  const half = Math.ceil(requests.length / 2);
  return [
    ...(await askByHalves(policy, requests.slice(0, half))),
    ...(await askByHalves(policy, requests.slice(half))),
  ];
}

/** Requests with paths of the same type usually fail together. */
function groupOf({ data }: AccessRequest): string {
  const path = data["resource-path"];
  const type = Array.isArray(path) ? "array" : path === null ? "null" : typeof path;
  return `${type} ${String(Object.hasOwn(data, "resource-path"))}`;
}

/**
 * Evaluates `data.policy.allow` for each request; only `true` allows. As in Trustee's engine (regorus), a
 * builtin's error ends the evaluation. OPA's default would be "undefined".
 */
export async function askEach(
  policy: RegoPolicy,
  requests: readonly AccessRequest[],
): Promise<readonly PolicyAnswer[]> {
  const together = await askResourcePolicy(policy, requests, true);
  if (together.kind === "answered") return together.allowed;
  if (together.kind === "no-policy")
    return requests.map(() => ({ failed: "policy", message: together.message }));
  const byLines = await askByLines(policy, requests);
  if (byLines !== undefined) return byLines;
  const answers = new Map<AccessRequest, PolicyAnswer>();
  for (const group of Map.groupBy(requests, groupOf).values()) {
    const answered = await askByHalves(policy, group);
    group.forEach((request, index) => answers.set(request, answered[index] ?? false));
  }
  return requests.map((request) => answers.get(request) ?? false);
}

/** One request to the agent in a guest. */
export interface AgentQuestion {
  /** The rule that decides it, for example `ExecProcessRequest`. */
  readonly request: string;
  readonly input: unknown;
}

/** Asks the agent policy each request. A request without a rule is denied. */
export async function askAgentPolicy(
  policy: RegoPolicy,
  questions: readonly AgentQuestion[],
): Promise<BatchAnswers> {
  const lists = [...new Set(questions.map(({ request }) => request))].map(
    (request) => `"${request}": [index | some index
      input.asked[index].request == "${request}"
      asked := input.asked[index].input
      data.agent_policy["${request}"] == true with input as asked]`,
  );
  return numbersTrue(policy, `{${lists.join(", ")}}`, { asked: questions }, questions.length, false);
}
