import { regoStatements, type RegoBranch, type RegoStatement } from "../rego/rules.ts";
import { isSign, isWord, regoTokens, stringValue, takeUntil, type RegoToken } from "../rego/tokens.ts";

/** A line of an agent policy that allows what the tutorial refuses. */
interface Widening {
  readonly request: string;
  /** Whether it allows every such request; otherwise it depends on what only an evaluation would tell. */
  readonly always: boolean;
  readonly line: number;
}

type Expression = readonly RegoToken[];

function isLiteral(token: RegoToken | undefined): boolean {
  return token?.kind === "string" || token?.kind === "number" || isWord(token, "true", "false", "null");
}

/** What an expression of literals alone comes to; `undefined` where there is more to it. */
function constant(expression: Expression): boolean | undefined {
  const negations = expression.findIndex((token) => !isWord(token, "not"));
  // `not true` never holds, but OPA 1.22 takes a rule with it for true where its value is a reference.
  if (negations !== 0) {
    return negations === 1 && constant(expression.slice(1)) === false ? true : undefined;
  }
  const [first, second, third, more] = expression;
  if (second === undefined) return isLiteral(first) ? !isWord(first, "false") : undefined;
  if (first === undefined || third === undefined || more !== undefined) return undefined;
  const compares = isSign(second, "==", "=") && isLiteral(first) && isLiteral(third);
  return compares ? literalValue(first) === literalValue(third) : undefined;
}

/** The same for equal literals, however they are written: `1` and `1.0`, strings in either quotes. */
function literalValue(token: RegoToken): string | number {
  if (token.kind === "number") return Number(token.text);
  return token.kind === "string" ? JSON.stringify(stringValue(token)) : token.text;
}

/** What the agent takes a value for: `true`, and an object that says `"allowed": true`. No value is `true`. */
function allows(value: Expression): boolean | undefined {
  const [first] = value;
  if (first === undefined) return true;
  if (value.length === 1) return isLiteral(first) ? isWord(first, "true") : undefined;
  const key = value.findIndex((token, index) => token.text === '"allowed"' && isSign(value[index + 1], ":"));
  const answer = value[key + 2];
  const isKnown = isSign(first, "{") && key > 0 && isWord(answer, "true", "false");
  return isKnown ? isWord(answer, "true") : undefined;
}

/** Whether a rule's body, or its default, allows: always, never, or `undefined` for sometimes. */
function verdict({ value, body }: RegoBranch): boolean | undefined {
  const parts = [allows(value), ...body.map(constant)];
  if (parts.includes(false)) return false;
  return parts.includes(undefined) ? undefined : true;
}

/** `input.process.Terminal`: asks only whether there is something of that name, and that it is not `false`. */
function isBareReference(expression: Expression): boolean {
  const isPart = (token: RegoToken): boolean =>
    token.kind === "field" || token.kind === "string" || isSign(token, ".", "[", "]");
  return isWord(expression[0], "input") && expression.slice(1).every(isPart);
}

/** What tells whether anything of some tokens goes back to what is asked, directly or by other rules of the policy. */
function inputTeller(statements: readonly RegoStatement[]): (tokens: Expression) => boolean {
  const users = new Map<string, string[]>();
  for (const { name, tokens } of statements) {
    for (const text of new Set(tokens.map((token) => token.text))) {
      const known = users.get(text);
      if (known === undefined) users.set(text, [name]);
      else known.push(name);
    }
  }
  const isInput = (token: RegoToken): boolean => isWord(token, "input");
  const asking = new Set(statements.filter(({ tokens }) => tokens.some(isInput)).map(({ name }) => name));
  // A set hands out what is added to it on the way.
  for (const name of asking) for (const user of users.get(name) ?? []) asking.add(user);
  return (tokens) => tokens.some((token) => isInput(token) || asking.has(token.text));
}

/** A rule for exec that looks at what is to be run is what the tutorial has; what it makes of it is `trustee-access check`'s to tell. */
function checksCommand({ value, body }: RegoBranch, looksAtInput: (tokens: Expression) => boolean): boolean {
  const parts = [value, ...body.filter((expression) => !isBareReference(expression))];
  return parts.some(looksAtInput);
}

/**
 * Which of `requests` an agent policy allows, by a default or by a rule, whatever they are asked for. Comments and strings are no
 * rules; a rule for exec that looks at the command is none of them.
 */
export function wideningsIn(rego: string, requests: readonly string[]): readonly Widening[] {
  const statements = regoStatements(rego);
  const looksAtInput = inputTeller(statements);
  return statements.flatMap(({ name, branches }) => {
    if (!requests.includes(name)) return [];
    return branches.flatMap((branch): readonly Widening[] => {
      const allowed = verdict(branch);
      if (allowed === false) return [];
      const isChecked =
        allowed === undefined && name === "ExecProcessRequest" && checksCommand(branch, looksAtInput);
      return isChecked ? [] : [{ request: name, always: allowed === true, line: branch.line }];
    });
  });
}

/** A command that a policy's data allow, with the line that it stands on. */
interface ListedCommand {
  readonly command: string;
  readonly line: number;
}

/** The elements of a list, by what stands in its brackets: each a string, or a list of arguments. */
function elements(inner: readonly RegoToken[]): readonly ListedCommand[] {
  const found: ListedCommand[] = [];
  for (let at = 0; at < inner.length; at += 1) {
    const token = inner[at];
    if (token?.kind === "string") found.push({ command: stringValue(token), line: token.line });
    if (token === undefined || !isSign(token, "[")) continue;
    const list = takeUntil(inner, at + 1, () => false);
    const words = list.filter(({ kind }) => kind === "string").map(stringValue);
    found.push({ command: words.join(" "), line: token.line });
    at += list.length + 1;
  }
  return found;
}

/** The commands in every list that is called `allowed_commands`, as the tutorial's `policy_data` has one. */
export function commandsIn(rego: string): readonly ListedCommand[] {
  const tokens = regoTokens(rego);
  let read = 0;
  return tokens.flatMap((token, index) => {
    if (index < read) return [];
    const isName =
      token.kind === "string" ? stringValue(token) === "allowed_commands" : token.text === "allowed_commands";
    const isList = isSign(tokens[index + 1], ":", ":=", "=") && isSign(tokens[index + 2], "[", "{");
    if (!isName || !isList) return [];
    const inner = takeUntil(tokens, index + 3, () => false);
    read = index + 3 + inner.length;
    return elements(inner);
  });
}
