import { secondArgument, type Bracketed } from "./rego-fields.ts";
import { definitions, expressionFrom, termsOf, type TokenShape } from "./rego-terms.ts";
import type { RegoStatement } from "../../core/rego/rules.ts";
import {
  bracket,
  isSign,
  isUnfinished,
  isWord,
  stringValue,
  type RegoToken,
} from "../../core/rego/tokens.ts";

type Tokens = readonly RegoToken[];

/** Calls that read only the type of a value. */
const typeCalls = ["is_object", "is_string", "is_null", "type_name"];

/** Calls that read no member's value. */
const shallowCalls = ["count", "object.keys", ...typeCalls];

/** The strings of a literal: one, or a list or set of them. */
function literalStrings(tokens: Tokens): readonly string[] {
  const isList = isSign(tokens[0], "[", "{") && isSign(tokens.at(-1), "]", "}");
  const items = (isList ? tokens.slice(1, -1) : tokens).filter((one) => !isSign(one, ","));
  const isLiteral = isList || items.length === 1;
  return isLiteral && items.every(({ kind }) => kind === "string") ? items.map(stringValue) : [];
}

/** The innermost bracket that is open at each place. */
function enclosing({ tokens, closedAt }: Bracketed): readonly (number | undefined)[] {
  const open: number[] = [];
  return tokens.map((token, at) => {
    if (bracket(token) < 0) open.pop();
    const innermost = open.at(-1);
    if (bracket(token) > 0 && closedAt.has(at)) open.push(at);
    return innermost;
  });
}

/** The name of the function whose arguments begin at a bracket: `count`, `object.get`; empty: none. */
function calleeOf(tokens: Tokens, open: number): string {
  if (!isSign(tokens[open], "(")) return "";
  let at = open - 1;
  while (tokens[at]?.kind === "field" && isSign(tokens[at - 1], ".")) at -= 2;
  return tokens[at]?.kind === "word"
    ? tokens
        .slice(at, open)
        .map(({ text }) => text)
        .join("")
    : "";
}

/** Whether an expression or a whole value may begin at a place. If it is one term, the term is only tested or named. */
function begins(tokens: Tokens, at: number): boolean {
  const [beforeThat, before] = [tokens[at - 2], tokens[at - 1]];
  if (before === undefined || isSign(before, ";", "|") || isWord(before, "not", "if", "else", "with"))
    return true;
  if (isSign(before, ":=", "=")) return beforeThat?.kind === "word";
  // A body, not a set: no operator is before it.
  if (isSign(before, "{")) {
    const isBody = beforeThat?.kind !== "sign" || isSign(beforeThat, ")", "]", "}");
    return isBody && !isWord(beforeThat, "in");
  }
  return before.line < (tokens[at]?.line ?? 0) && !isUnfinished(before);
}

/** Whether a comparison with an empty value follows: `!= {}`, `!= null`. */
function isEmptiness(tokens: Tokens, end: number): boolean {
  const [sign, first, second] = tokens.slice(end, end + 3);
  return isSign(sign, "!=", "==") && (isWord(first, "null") || (isSign(first, "{") && isSign(second, "}")));
}

function ends(tokens: Tokens, end: number): boolean {
  const next = tokens[end];
  if (
    next === undefined ||
    isSign(next, ";", "}", "]", ")", "{", "|") ||
    isWord(next, "if", "else", "with", "as")
  )
    return true;
  return next.line > (tokens[end - 1]?.line ?? 0) && !(next.kind === "sign" && bracket(next) === 0);
}

/**
 * The possible names of a member: literals, or the values that the scope or a rule gives to a variable. Empty:
 * unknown.
 */
function possibleNames(
  tokens: Tokens,
  key: Tokens,
  rules: ReadonlyMap<string, readonly RegoStatement[]>,
): readonly string[] {
  const ofRule = (name: string): readonly string[] => {
    const [rule, ...more] = rules.get(name) ?? [];
    const isValue = more.length === 0 && isSign(rule?.tokens[1], ":=", "=");
    return isValue ? literalStrings(rule?.tokens.slice(2) ?? []) : [];
  };
  const ofExpression = (expression: Tokens): readonly string[] => {
    const [first, ...more] = expression;
    return first?.kind === "word" && more.length === 0 ? ofRule(first.text) : literalStrings(expression);
  };
  const [name] = key;
  if (name?.kind !== "word" || key.length > 1) return literalStrings(key);
  const limits = tokens.flatMap((token, at) => {
    const [before, next] = [tokens[at - 1], tokens[at + 1]];
    if (!isWord(token, name.text) || isWord(before, "not")) return [];
    const isLimited = isSign(next, ":=", "=", "==") || isWord(next, "in");
    if (isLimited) return [ofExpression(expressionFrom(tokens, at + 2))];
    const isReversed = isSign(before, "==") && begins(tokens, at - 2);
    return isReversed ? [ofExpression(tokens.slice(at - 2, at - 1))] : [];
  });
  return limits.find((one) => one.length > 0) ?? ofRule(name.text);
}

/** Any member of an object, as Rego writes it. */
const anyOf = (object: string): string => `${object}[_]`;

/**
 * The members that rules read by a computed name, and the objects that they read without naming a member: by
 * any index, in a comparison of the whole object, or in a builtin.
 * @param statements the rules that an answer depends on
 */
export function wholeReads(statements: readonly RegoStatement[], shape: TokenShape): readonly string[] {
  const read = statements.filter(({ tokens }) => !isWord(tokens[0], "package"));
  const rules = Map.groupBy(read, ({ name }) => name);
  const terms = termsOf(read, shape);
  if (terms === undefined) return ["input"];
  const isLeaf = (field: string | undefined): boolean => field !== undefined && !shape.isObject(field);
  const isAlike = (field: string | undefined): boolean => isLeaf(field) || shape.alike.has(field ?? "");

  const readsIn = (scope: Bracketed): readonly string[] => {
    const { tokens } = scope;
    const open = enclosing(scope);
    const bound = new Set(definitions(scope).flatMap(({ names }) => names));
    /** The possible members for a key; any member if they are unknown. */
    const byKey = (key: Tokens, object: string | undefined): readonly string[] => {
      const names = possibleNames(tokens, key, rules);
      return names.length > 0 || object === undefined ? names : [anyOf(object)];
    };
    return tokens.flatMap((_token, at) => {
      const isHead = at === 0 || (at === 1 && isWord(tokens[0], "default"));
      const term = isHead || bound.has(at) ? undefined : terms.termAt(scope, at);
      if (term?.isFromInput !== true) return [];
      const { name, steps, isCall, end } = term;
      const field = term.field();
      const innermost = open[at] ?? -1;
      const callee = calleeOf(tokens, innermost);
      const isArgument = isSign(tokens[at - 1], "(", ",") && isSign(tokens[end], ",", ")");
      const isTyped = isArgument && typeCalls.includes(callee);
      const bySteps = steps.flatMap((step, nth) => {
        if (typeof step === "string") return isCall ? [step] : [];
        const key = tokens.slice(step.from, step.to);
        const isNumber = key.length === 1 && key[0]?.kind === "number";
        const isNamed = steps.slice(nth + 1).some((one) => typeof one === "string");
        const object = term.field(nth);
        return isNumber || isNamed || isAlike(object)
          ? []
          : byKey(key, isTyped ? undefined : (object ?? name));
      });
      if (isWord(tokens[at - 1], "in")) {
        const [key, comma] = tokens.slice(at - 4, at - 2);
        const keys = isSign(comma, ",") && key !== undefined ? [key] : [];
        return isAlike(field) ? bySteps : [...bySteps, ...byKey(keys, field ?? name)];
      }
      if (field === undefined || isLeaf(shape.alike.get(field) ?? field)) return bySteps;
      if (isArgument && callee === "object.get") {
        const path = secondArgument(scope, innermost);
        return literalStrings(path).length > 0 ? bySteps : [...bySteps, ...byKey(path, field)];
      }
      // The expression around a comprehension reads what the comprehension collects.
      const isCollected = isSign(tokens[at - 1], "[", "{") && isSign(tokens[end], "|");
      const isKept = begins(tokens, at - 1) || isWord(tokens[at - 2], "in");
      const isShallow = shallowCalls.includes(isCollected ? calleeOf(tokens, at - 2) : callee);
      const isHarmless = isCollected
        ? isKept || isShallow
        : (isArgument && (isShallow || rules.has(callee))) ||
          isEmptiness(tokens, end) ||
          (begins(tokens, at) && ends(tokens, end));
      return isHarmless ? bySteps : [...bySteps, anyOf(field)];
    });
  };
  const scopes = terms.scopes.filter(({ tokens }) => !isWord(tokens[0], "import"));
  return [...new Set(scopes.flatMap(readsIn))];
}
