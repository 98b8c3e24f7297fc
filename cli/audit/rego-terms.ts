import { inBrackets, secondArgument, stepsAfter, type Bracketed, type Step } from "./rego-fields.ts";
import type { RegoStatement } from "../../core/rego/rules.ts";
import {
  isSign,
  isUnfinished,
  isWord,
  stringValue,
  takeUntil,
  type RegoToken,
} from "../../core/rego/tokens.ts";

type Tokens = readonly RegoToken[];

/** The tokens of an expression from `start`: up to a semicolon, the end of its line or a closing bracket. */
export function expressionFrom(tokens: Tokens, start: number): Tokens {
  return takeUntil(tokens, start, (token, taken) => {
    const last = taken.at(-1);
    const isNext = last !== undefined && token.line > last.line && !isUnfinished(last);
    return isNext || isSign(token, ";", "|") || isWord(token, "if", "else");
  });
}

/** A place where names get values. */
interface Definition {
  /** The places of the names. */
  readonly names: readonly number[];
  /** Where the expression begins. */
  readonly from: number;
  /** True: the last name is a member of the expression's value. False: it is the value itself. */
  readonly isMember: boolean;
}

/** `name := …`, `name = …`, `name(parameters) := …`, `some name in …`, `every key, name in …`. */
export function definitions({ tokens, closedAt }: Bracketed): readonly Definition[] {
  const head = isSign(tokens[1], "(") ? closedAt.get(1) : undefined;
  return tokens.flatMap((token, at): readonly Definition[] => {
    if (isWord(token, "some", "every")) {
      const names = takeUntil(tokens, at + 1, (one) => one.kind !== "word" && !isSign(one, ","));
      const length = names.findIndex((one) => isWord(one, "in"));
      const places = names
        .slice(0, length)
        .flatMap((one, nth) => (one.kind === "word" ? [at + 1 + nth] : []));
      return length < 0 ? [] : [{ names: places, from: at + length + 2, isMember: true }];
    }
    const next = at === 0 && head !== undefined ? head + 1 : at + 1;
    const isNamed = token.kind === "word" && isSign(tokens[next], ":=", "=");
    return isNamed ? [{ names: [at], from: next + 1, isMember: false }] : [];
  });
}

/** How the objects of a token are read. */
export interface TokenShape {
  /** Whether a field is an object. */
  readonly isObject: (field: string) => boolean;
  /** Objects whose members are all alike: the object's name -> the name of one member. */
  readonly alike: ReadonlyMap<string, string>;
}

/** The limit of rounds over the names. A policy with longer chains of dependent names is not analysed. */
const MOST_ROUNDS = 8;

/** A policy is not analysed if a rule with more tokens reads the input. */
const MOST_TOKENS = 2000;

/** The place of a call's arguments. */
interface Arguments {
  readonly scope: Bracketed;
  readonly open: number;
}

/** All calls, by the function's name. */
function callsIn(scopes: readonly Bracketed[]): ReadonlyMap<string, readonly Arguments[]> {
  const found = new Map<string, Arguments[]>();
  for (const scope of scopes) {
    scope.tokens.forEach((token, at) => {
      if (at === 0 || token.kind !== "word" || !isSign(scope.tokens[at + 1], "(")) return;
      const calls = found.get(token.text) ?? [];
      calls.push({ scope, open: at + 1 });
      found.set(token.text, calls);
    });
  }
  return found;
}

/** The names whose values may come from the input: rules, variables and parameters. `undefined`: not analysed. */
function namesFromInput(
  rules: readonly { readonly name: string; readonly scope: Bracketed }[],
): ReadonlySet<string> | undefined {
  const found = new Set(["input"]);
  const reads = (tokens: Tokens, from: number, to: number): boolean => {
    for (let at = from; at < to; at += 1) {
      const token = tokens[at];
      if (token?.kind === "word" && found.has(token.text)) return true;
    }
    return false;
  };
  const calls = callsIn(rules.map(({ scope }) => scope));
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const { size } = found;
    for (const { name, scope } of rules) {
      const { tokens } = scope;
      const isCalled = (calls.get(name) ?? []).some((call) =>
        reads(call.scope.tokens, call.open, call.scope.closedAt.get(call.open) ?? call.open),
      );
      if (isCalled && isSign(tokens[1], "(")) {
        for (const one of takeUntil(tokens, 2, () => false)) if (one.kind === "word") found.add(one.text);
      }
      if (!reads(tokens, 1, tokens.length)) continue;
      if (tokens.length > MOST_TOKENS) return undefined;
      found.add(name);
      for (const { names, from } of definitions(scope)) {
        const isRead = reads(tokens, from, from + expressionFrom(tokens, from).length);
        for (const at of isRead ? names : []) found.add(tokens[at]?.text ?? "");
      }
    }
    if (found.size === size) return found;
  }
  return undefined;
}

/** The field of the policy's own values, such as its tables. No token has this field. */
const OWN = "";

/** The scopes of variables: each rule with its body, and each `else`. */
function scopesOf(statements: readonly RegoStatement[]): readonly Bracketed[] {
  return statements.flatMap(({ tokens }) => {
    const starts = [0, ...tokens.flatMap((token, at) => (isWord(token, "else") ? [at] : []))];
    return starts.map((start, nth) => inBrackets(tokens.slice(start, starts[nth + 1])));
  });
}

/** A name or a call with the steps after it. */
export interface Term {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly isCall: boolean;
  /** The place after its last step. */
  readonly end: number;
  /** Whether its value may come from the input. */
  readonly isFromInput: boolean;
  /** The field of a token that its first steps read (by default all steps); `undefined`: unknown. */
  readonly field: (steps?: number) => string | undefined;
}

/** The meanings of a policy's terms. */
export interface Terms {
  /** The rules that read the input. */
  readonly scopes: readonly Bracketed[];
  /** The term whose first token is at a place; `undefined`: none, or a call of a builtin. */
  readonly termAt: (scope: Bracketed, at: number) => Term | undefined;
}

/** Finds the meanings of a policy's terms. `undefined`: the policy is too large to be analysed. */
export function termsOf(
  statements: readonly RegoStatement[],
  { isObject, alike }: TokenShape,
): Terms | undefined {
  const fromInput = namesFromInput(
    statements.map(({ name, tokens }) => ({ name, scope: inBrackets(tokens) })),
  );
  if (fromInput === undefined) return undefined;
  const scopes = scopesOf(statements.filter(({ name }) => fromInput.has(name)));
  const rules = new Set(statements.map(({ name }) => name));
  const fields = new Map<string, string | undefined>([["input", "input"]]);
  const memberOf = (field: string | undefined): string | undefined =>
    field !== undefined && isObject(field) ? alike.get(field) : field;

  /** What `object.get` returns. @param open where its arguments begin */
  const gotten = (
    scope: Bracketed,
    open: number,
  ): Pick<Term, "isFromInput"> & { readonly field?: string } => {
    const isFromInput = termAt(scope, open + 1)?.isFromInput ?? true;
    const path = secondArgument(scope, open).findLast(({ kind }) => kind === "string");
    if (!isFromInput) return { isFromInput, field: OWN };
    return { isFromInput, ...(path === undefined ? {} : { field: stringValue(path) }) };
  };
  const termAt: Terms["termAt"] = (scope, at) => {
    const { tokens, closedAt } = scope;
    const name = tokens[at];
    if (name?.kind !== "word") return undefined;
    const before = stepsAfter(scope, at + 1);
    const isCall = isSign(tokens[before.end], "(");
    const isGet = isCall && name.text === "object" && before.steps[0] === "get";
    if (isCall && !isGet && (before.steps.length > 0 || !rules.has(name.text))) return undefined;
    const first = isGet
      ? gotten(scope, before.end)
      : { isFromInput: fromInput.has(name.text), field: fields.get(name.text) };
    const { steps, end } = isCall
      ? stepsAfter(scope, (closedAt.get(before.end) ?? tokens.length) + 1)
      : before;
    const field: Term["field"] = (length = steps.length) =>
      steps
        .slice(0, length)
        .reduce<string | undefined>(
          (last, step) => (!first.isFromInput ? OWN : typeof step === "string" ? step : memberOf(last)),
          first.isFromInput ? first.field : OWN,
        );
    return { name: name.text, steps, isCall, end, isFromInput: first.isFromInput, field };
  };

  /** The field of an expression: that of its only term, or of what its comprehension collects. */
  const fieldAt = (scope: Bracketed, from: number): string | undefined => {
    const { tokens } = scope;
    const isComprehension = isSign(tokens[from], "[", "{") && isSign(tokens[from + 2], "|");
    if (isComprehension) return termAt(scope, from + 1)?.field();
    const term = termAt(scope, from);
    return term?.end === from + expressionFrom(tokens, from).length ? term.field() : undefined;
  };
  /** The field of a name with two definitions. */
  const either = (one: string | undefined, other: string | undefined): string | undefined => {
    if (one === other) return one;
    const known = [one, other].filter((field) => field !== undefined);
    if (known.some(isObject)) return "input";
    return known.length === 2 ? OWN : undefined;
  };
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const next = new Map<string, string | undefined>([["input", "input"]]);
    for (const scope of scopes) {
      for (const { names, from, isMember } of definitions(scope)) {
        const name = scope.tokens[names.at(-1) ?? -1]?.text ?? "";
        const field = isMember ? memberOf(fieldAt(scope, from)) : fieldAt(scope, from);
        next.set(name, next.has(name) ? either(next.get(name), field) : field);
      }
    }
    if (next.size === fields.size && [...next].every(([name, field]) => fields.get(name) === field)) {
      return { scopes, termAt };
    }
    for (const [name, field] of next) fields.set(name, field);
  }
  return undefined;
}
