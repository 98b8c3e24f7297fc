import { getOrAdd } from "../records.ts";
import { regoStatements, type RegoBranch, type RegoStatement } from "../rego/rules.ts";
import { isSign, isWord, regoTokens, stringValue, takeUntil, type RegoToken } from "../rego/tokens.ts";

/** A line of an agent policy that allows what the tutorial's policy rejects. */
interface Widening {
  readonly request: string;
  /** Whether it allows every such request. Otherwise only an evaluation shows it. */
  readonly always: boolean;
  readonly line: number;
}

type Expression = readonly RegoToken[];

function isLiteral(token: RegoToken | undefined): boolean {
  return token?.kind === "string" || token?.kind === "number" || isWord(token, "true", "false", "null");
}

/** The value of an expression of literals only; `undefined` for any other. */
function constant(expression: Expression): boolean | undefined {
  const negations = expression.findIndex((token) => !isWord(token, "not"));
  // `not true` never holds. But OPA 1.22 evaluates a rule with it to true if the rule's value is a reference.
  if (negations !== 0) {
    return negations === 1 && constant(expression.slice(1)) === false ? true : undefined;
  }
  const [first, second, third, more] = expression;
  if (second === undefined) return isLiteral(first) ? !isWord(first, "false") : undefined;
  if (first === undefined || third === undefined || more !== undefined) return undefined;
  const compares = isSign(second, "==", "=") && isLiteral(first) && isLiteral(third);
  return compares ? literalValue(first) === literalValue(third) : undefined;
}

/** Equal for equal literals in any spelling: `1` and `1.0`, strings in either kind of quotes. */
function literalValue(token: RegoToken): string | number {
  if (token.kind === "number") return Number(token.text);
  return token.kind === "string" ? JSON.stringify(stringValue(token)) : token.text;
}

/** Whether the agent reads a value as "allowed": none, `true`, or an object with `"allowed": true`. */
function allows(value: Expression): boolean | undefined {
  const [first] = value;
  if (first === undefined) return true;
  if (value.length === 1) return isLiteral(first) ? isWord(first, "true") : undefined;
  const key = value.findIndex((token, index) => token.text === '"allowed"' && isSign(value[index + 1], ":"));
  const answer = value[key + 2];
  const isKnown = isSign(first, "{") && key > 0 && isWord(answer, "true", "false");
  return isKnown ? isWord(answer, "true") : undefined;
}

/** Whether a rule's body or default allows: always, never, or sometimes (`undefined`). */
function verdict({ value, body }: RegoBranch): boolean | undefined {
  const parts = [allows(value), ...body.map(constant)];
  if (parts.includes(false)) return false;
  return parts.includes(undefined) ? undefined : true;
}

/** `input.process.Terminal`: only tests that the field exists and is not `false`. */
function isBareReference(expression: Expression): boolean {
  const isPart = (token: RegoToken): boolean =>
    token.kind === "field" || token.kind === "string" || isSign(token, ".", "[", "]");
  return isWord(expression[0], "input") && expression.slice(1).every(isPart);
}

/** Returns a test for whether tokens depend on `input`, directly or through other rules. */
function inputTeller(statements: readonly RegoStatement[]): (tokens: Expression) => boolean {
  const users = new Map<string, string[]>();
  for (const { name, tokens } of statements) {
    for (const text of new Set(tokens.map((token) => token.text))) getOrAdd(users, text, () => []).push(name);
  }
  const isInput = (token: RegoToken): boolean => isWord(token, "input");
  const asking = new Set(statements.filter(({ tokens }) => tokens.some(isInput)).map(({ name }) => name));
  // Elements added to a Set while iterating are visited too.
  for (const name of asking) for (const user of users.get(name) ?? []) asking.add(user);
  return (tokens) => tokens.some((token) => isInput(token) || asking.has(token.text));
}

/** Whether an exec rule checks the command, as the tutorial's does; `trustee-access check` shows how well. */
function checksCommand({ value, body }: RegoBranch, looksAtInput: (tokens: Expression) => boolean): boolean {
  const parts = [value, ...body.filter((expression) => !isBareReference(expression))];
  return parts.some(looksAtInput);
}

/**
 * The lines that allow one of `requests`, by a default or by a rule. Ignores comments, strings, and exec
 * rules that check the command.
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

/** A command that a policy's data allow, and its line. */
interface ListedCommand {
  readonly command: string;
  readonly line: number;
}

/** The elements of a list: strings or lists of arguments. @param inner the tokens in its brackets */
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

/** The commands in every list named `allowed_commands`, as in the tutorial's `policy_data`. */
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
