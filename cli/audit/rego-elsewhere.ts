import type { RegoBranch, RegoStatement } from "../../core/rego/rules.ts";
import { isSign, isWord, stringValue, type RegoToken } from "../../core/rego/tokens.ts";

type Tokens = readonly RegoToken[];
/** The value of a name, as far as it is known. */
type Known = (name: string) => unknown;

/** The length of the longest supported term, apart from lists: `split(data["resource-path"], "/")`. Tokens. */
const LONGEST = 9;

/** Words that never end the evaluation with an error, for any content of the token. */
const harmless = ["input", "data", "not", "true", "false", "null"];

/** The value of a term for one request, from its path and literals alone; `undefined`: unknown. */
function termValue(term: Tokens, path: unknown, known: Known): unknown {
  const text = term.length > LONGEST ? "" : term.map((token) => token.text).join(" ");
  const [first, bracket, index, end, ...more] = term;
  const isString = (token: RegoToken): boolean => token.kind === "string";
  if (text === 'data [ "resource-path" ]') return path;
  if (text.startsWith("split ( ") && text.endsWith(' , "/" )')) {
    const whole = termValue(term.slice(2, -3), path, known);
    return typeof whole === "string" ? whole.split("/") : undefined;
  }
  if (first !== undefined && term.length === 1) {
    return isString(first) ? stringValue(first) : first.kind === "word" ? known(first.text) : undefined;
  }
  const items = term.slice(1, -1);
  const isList = isSign(first, "[") && isSign(term.at(-1), "]");
  if (isList && items.every((token, at) => (at % 2 === 0 ? isString(token) : isSign(token, ",")))) {
    return items.filter(isString).map(stringValue);
  }
  // A part: `path[1]`.
  const whole = first?.kind === "word" ? known(first.text) : undefined;
  const isPart = isSign(bracket, "[") && index?.kind === "number" && isSign(end, "]") && more.length === 0;
  return isPart && Array.isArray(whole) ? whole[Number(index.text)] : undefined;
}

/** Compares two texts, or two lists of texts. */
function isSame(left: unknown, right: unknown): boolean {
  if (!Array.isArray(left) || !Array.isArray(right)) return left === right;
  return left.length === right.length && left.every((part, at) => part === right[at]);
}

/** The name and the value of `name := term`, if the value is known. */
function alias(tokens: Tokens, path: unknown, known: Known): readonly [string, unknown] | undefined {
  const [name, sign] = tokens;
  if (name?.kind !== "word" || !isSign(sign, ":=")) return undefined;
  const value = termValue(tokens.slice(2), path, known);
  return value === undefined ? undefined : [name.text, value];
}

/**
 * The names that a policy gives to the path of a request. `undefined`: `data` may have another meaning in it.
 * @param path as the KBS passes it
 */
export function pathNames(statements: readonly RegoStatement[], path: unknown): Known | undefined {
  const all = statements.flatMap(({ tokens }) => tokens);
  if (all.some((token, at) => isWord(token, "data") && !isSign(all[at + 1], "[", "."))) return undefined;
  const found = new Map<string, unknown>();
  const known: Known = (name) => found.get(name);
  for (const [, [one, ...more]] of Map.groupBy(statements, ({ name }) => name)) {
    const named = one === undefined || more.length > 0 ? undefined : alias(one.tokens, path, known);
    if (named !== undefined) found.set(...named);
  }
  return known;
}

/**
 * Whether a branch of the requested rule certainly does not hold for this request, because it compares the path or a
 * part of it with another literal. No expression before the comparison may end the evaluation or define a name. In
 * doubt the answer is false.
 */
export function isElsewhere({ body }: RegoBranch, path: unknown, names: Known): boolean {
  const own = new Map<string, unknown>();
  const known: Known = (name) => own.get(name) ?? names(name);
  for (const tokens of body) {
    const named = alias(tokens, path, known);
    if (named !== undefined) {
      own.set(...named);
      continue;
    }
    const at = tokens.findIndex((token) => isSign(token, "=="));
    const [left, right] = [tokens.slice(0, Math.max(0, at)), tokens.slice(at + 1)].map((term) =>
      termValue(term, path, known),
    );
    if (left !== undefined && right !== undefined) {
      if (isSame(left, right)) continue;
      return true;
    }
    const isHarmless = tokens.every((token) =>
      token.kind === "word"
        ? harmless.includes(token.text) || known(token.text) !== undefined
        : !isSign(token, ":=", "=", "(", "+", "-", "*", "/", "%", "&", "|"),
    );
    if (!isHarmless) return false;
  }
  return false;
}
