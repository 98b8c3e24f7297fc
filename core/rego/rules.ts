import { bracket, isSign, isUnfinished, isWord, regoTokens, takeUntil, type RegoToken } from "./tokens.ts";

/** A rule with one of its bodies: its value, and the condition for it. */
export interface RegoBranch {
  /** Its first line, from 1. */
  readonly line: number;
  /** Its value; empty: `true`. */
  readonly value: readonly RegoToken[];
  /** The expressions that must all hold; empty: always. */
  readonly body: readonly (readonly RegoToken[])[];
}

/** A top-level statement: an import, a default, or a rule. */
export interface RegoStatement {
  /** The name that it defines; for an import, its local name. */
  readonly name: string;
  readonly isDefault: boolean;
  readonly tokens: readonly RegoToken[];
  /** For a rule with one value: each body and each `else`. */
  readonly branches: readonly RegoBranch[];
}

/** Keywords that continue a statement. */
const joining = ["if", "else", "contains", "in", "with", "as", "some", "every", "not"];

/**
 * Splits into statements. Rules have no terminator: a word starts a new one if no bracket or operator is
 * open.
 */
function statements(tokens: readonly RegoToken[]): readonly (readonly RegoToken[])[] {
  const found: RegoToken[][] = [];
  let depth = 0;
  tokens.forEach((token, index) => {
    const begins = depth === 0 && token.kind === "word" && !isWord(token, ...joining);
    if (begins && !isUnfinished(tokens[index - 1])) found.push([token]);
    else found.at(-1)?.push(token);
    depth = Math.max(0, depth + bracket(token));
  });
  return found;
}

/** The expressions of a body: one per line unless it continues, or separated by semicolons. */
function expressions(body: readonly RegoToken[]): readonly (readonly RegoToken[])[] {
  const found: RegoToken[][] = [[]];
  let depth = 0;
  body.forEach((token, index) => {
    const before = body[index - 1];
    const isNewLine = before !== undefined && token.line > before.line && !isUnfinished(before);
    const goesOn = (token.kind === "sign" && bracket(token) === 0) || isWord(token, "in", "with", "as");
    if (depth === 0 && (isSign(token, ";") || (isNewLine && !goesOn))) found.push([]);
    if (depth > 0 || !isSign(token, ";")) found.at(-1)?.push(token);
    depth += bracket(token);
  });
  return found.filter((one) => one.length > 0);
}

/** The bodies of a rule. @param rest the tokens after its name */
function branchesOf(rest: readonly RegoToken[], line: number): readonly RegoBranch[] {
  const found: RegoBranch[] = [];
  let at = 0;
  let begun = line;
  let value: readonly RegoToken[] = [];
  for (;;) {
    if (isSign(rest[at], ":=", "=")) {
      // A bracket ends a complete value. An incomplete value starts with it: an object or a set.
      value = takeUntil(rest, at + 1, (token, taken) => {
        const isComplete = taken.length > 0 && !isUnfinished(taken.at(-1));
        return isWord(token, "if", "else") || (isComplete && isSign(token, "{"));
      });
      at += 1 + value.length;
    }
    const isIf = isWord(rest[at], "if");
    if (isIf) at += 1;
    let body: readonly RegoToken[] = [];
    if (isSign(rest[at], "{")) {
      body = takeUntil(rest, at + 1, () => false);
      at += body.length + 2;
    } else if (isIf) {
      body = takeUntil(rest, at, (token) => isWord(token, "else"));
      at += body.length;
    }
    found.push({ line: begun, value, body: expressions(body) });
    const next = rest[at];
    if (isWord(next, "else")) {
      at += 1;
      value = [];
    } else if (!isSign(next, "{")) return found;
    begun = next?.line ?? begun;
  }
}

/**
 * The number of tokens of the key `allowed` after a rule's name. Such a rule builds the object that the agent
 * also accepts.
 */
function keyLength([first, second]: readonly RegoToken[]): number {
  if (isSign(first, ".") && second?.text === "allowed") return 2;
  return isSign(first, "[") && second?.text === '"allowed"' ? 3 : 0;
}

function statementOf(tokens: readonly RegoToken[]): RegoStatement {
  const isDefault = isWord(tokens[0], "default");
  if (isWord(tokens[0], "import", "package")) {
    return { name: tokens.at(-1)?.text ?? "", isDefault, tokens, branches: [] };
  }
  const first = isDefault ? 1 : 0;
  const head = tokens[first];
  const rest = tokens.slice(first + 1 + keyLength(tokens.slice(first + 1, first + 3)));
  const [next] = rest;
  const hasOneValue = isSign(next, ":=", "=", "{") || isWord(next, "if", "else");
  return {
    name: head?.text ?? "",
    isDefault,
    tokens,
    branches: head !== undefined && hasOneValue ? branchesOf(rest, head.line) : [],
  };
}

/** The statements of a policy, without evaluating it. */
export function regoStatements(text: string): readonly RegoStatement[] {
  return statementsOf(regoTokens(text));
}

/** The same, of a text's tokens. */
export function statementsOf(tokens: readonly RegoToken[]): readonly RegoStatement[] {
  return statements(tokens).map(statementOf);
}
