import { isElsewhere, pathNames } from "./rego-elsewhere.ts";
import { statementsOf, type RegoStatement } from "../../core/rego/rules.ts";
import { bracket, isSign, isWord, regoTokens, stringValue, type RegoToken } from "../../core/rego/tokens.ts";

/** The statements without the bodies of `rule` that certainly do not hold for a request with this path. */
function withoutElsewhere(
  statements: readonly RegoStatement[],
  rule: string,
  path?: unknown,
): readonly RegoStatement[] {
  const names = pathNames(statements, path);
  if (names === undefined) return statements;
  return statements.map((one) => {
    if (one.name !== rule) return one;
    const dead = one.branches.filter((branch) => isElsewhere(branch, path, names));
    const left = new Set(dead.flatMap(({ body }) => body.flat()));
    return { ...one, tokens: one.tokens.filter((token) => !left.has(token)) };
  });
}

/**
 * The rules that a rule depends on, itself included.
 * @param path of one request: bodies for other paths are left out; absent: all requests
 */
export function neededRules(
  all: readonly RegoStatement[],
  rule: string,
  path?: unknown,
): readonly RegoStatement[] {
  const statements = path === undefined ? all : withoutElsewhere(all, rule, path);
  const byName = Map.groupBy(statements, ({ name }) => name);
  const names = new Set([rule]);
  for (const name of names) {
    for (const { tokens } of byName.get(name) ?? []) {
      // A rule may also be read by its path: data.policy.name, data["policy"]["name"].
      for (const token of tokens) {
        const called = token.kind === "string" ? stringValue(token) : token.text;
        if (token.kind !== "sign" && byName.has(called)) names.add(called);
      }
    }
  }
  return [...names].flatMap((name) => byName.get(name) ?? []);
}

/** The place of each opening bracket -> the place of its closing bracket. */
function closings(tokens: readonly RegoToken[]): ReadonlyMap<number, number> {
  const open: number[] = [];
  const found = new Map<number, number>();
  tokens.forEach((token, at) => {
    if (bracket(token) > 0) open.push(at);
    else if (bracket(token) < 0) found.set(open.pop() ?? at, at);
  });
  return found;
}

/** Tokens with their brackets. */
export interface Bracketed {
  readonly tokens: readonly RegoToken[];
  readonly closedAt: ReadonlyMap<number, number>;
}

export function inBrackets(tokens: readonly RegoToken[]): Bracketed {
  return { tokens, closedAt: closings(tokens) };
}

/** A step after a term: the name in `.name` or `["name"]`, or the places of a computed index. */
export type Step = string | { readonly from: number; readonly to: number };

/** The steps after a term, up to a call or its end. */
export function stepsAfter(
  { tokens, closedAt }: Bracketed,
  start: number,
): { readonly steps: readonly Step[]; readonly end: number } {
  const steps: Step[] = [];
  let at = start;
  for (;;) {
    const [sign, name, close] = tokens.slice(at, at + 3);
    const isIndex = isSign(sign, "[") && sign?.line === tokens[at - 1]?.line;
    if (isSign(sign, ".") && name?.kind === "field") {
      steps.push(name.text);
      at += 2;
    } else if (isIndex && name?.kind === "string" && isSign(close, "]")) {
      steps.push(stringValue(name));
      at += 3;
    } else if (isIndex) {
      const to = closedAt.get(at) ?? tokens.length;
      steps.push({ from: at + 1, to });
      at = to + 1;
    } else return { steps, end: at };
  }
}

/** The names among the steps after a term. */
export function fieldsAfter(
  bracketed: Bracketed,
  start: number,
): { readonly names: readonly string[]; readonly end: number } {
  const { steps, end } = stepsAfter(bracketed, start);
  return { names: steps.filter((step) => typeof step === "string"), end };
}

/** The second argument of a call, whose bracket opens at `start`. */
export function secondArgument({ tokens, closedAt }: Bracketed, start: number): readonly RegoToken[] {
  const end = closedAt.get(start) ?? start;
  const commas: number[] = [];
  for (let at = start + 1; at < end && commas.length < 2; at = (closedAt.get(at) ?? at) + 1) {
    if (isSign(tokens[at], ",")) commas.push(at);
  }
  const [first, second = end] = commas;
  return first === undefined ? [] : tokens.slice(first + 1, second);
}

/** The policy's own names: keys of its objects, and variables whose values do not come from the input. */
function ownNames(tokens: readonly RegoToken[]): { readonly keys: Set<string>; readonly apart: Set<string> } {
  const keys = new Set<string>();
  const apart = new Set(["data", "future", "rego"]);
  const isApart = (token: RegoToken | undefined): boolean =>
    isSign(token, "{", "[") || (token?.kind === "word" && apart.has(token.text));
  tokens.forEach((token, at) => {
    if (token.kind === "string" && isSign(tokens[at + 1], ":")) keys.add(stringValue(token));
    const isAssigned = token.kind === "word" && isSign(tokens[at + 1], ":=", "=");
    if (isAssigned && isApart(tokens[at + 2])) apart.add(token.text);
  });
  return { keys, apart };
}

/**
 * The names of all fields that rules read from the input, through any variable, in order. Fields of `data` and of
 * the policy's own objects count only if a token has such a field.
 * @param statements the rules that an answer depends on
 * @param ofTokens fields that tokens have
 */
export function inputFields(
  statements: readonly RegoStatement[],
  ofTokens: ReadonlySet<string> = new Set(),
): readonly string[] {
  const found = new Set<string>();
  const own = ownNames(statements.flatMap(({ tokens }) => tokens));
  for (const { tokens, isDefault } of statements) {
    if (isWord(tokens[0], "package")) continue;
    const bracketed = inBrackets(tokens);
    tokens.forEach((token, at) => {
      if (token.kind !== "word" || own.apart.has(token.text)) return;
      const { names, end } = fieldsAfter(bracketed, at + 1);
      const isCall = isSign(tokens[end], "(");
      if (at === (isDefault ? 1 : 0) && !isWord(token, "import")) {
        // In a rule's head, the names after its own are keys of the object that it makes.
        for (const name of names) own.keys.add(name);
        return;
      }
      if (!isCall) for (const name of names) found.add(name);
      else if (token.text === "object" && names[0] === "get") {
        for (const one of secondArgument(bracketed, end)) {
          if (one.kind === "string") found.add(stringValue(one));
        }
      }
    });
  }
  return [...found].filter((name) => ofTokens.has(name) || !own.keys.has(name));
}

/** Whether a rule may be true: the package has it as more than a default that is false. */
export function mayHold(text: string, packageName: string, rule: string): boolean {
  const tokens = regoTokens(text);
  const at = tokens.findIndex((token) => isWord(token, "package"));
  const [name, next] = tokens.slice(at + 1, at + 3);
  const isLonger =
    next !== undefined && (isSign(next, ".") || bracket(next) === 1) && next.line === name?.line;
  if (name?.text !== packageName || isLonger) return false;
  return statementsOf(tokens).some(
    (one) => one.name === rule && !(one.isDefault && one.tokens.at(-1)?.text === "false"),
  );
}
