import { lineCount } from "./limits.ts";

/** A token of a Rego text. Comments are skipped. */
export interface RegoToken {
  /** `field`: a word after a dot. It is never a keyword. */
  readonly kind: "word" | "field" | "string" | "number" | "sign";
  /** As written; a string includes its quotes. */
  readonly text: string;
  /** Its first line, from 1. */
  readonly line: number;
}

/**
 * A line feed, a comment, a string of either kind, a word, a number or a sign. An unclosed string ends with its
 * line, so no part of a text is read twice.
 */
const TOKEN = /\n|#[^\n]*|"(?:[^"\\\n]|\\.?)*(?:"|$)|`[^`]*`|[A-Za-z_]\w*|\d[\w.]*|:=|[=!<>]=|\S/gm;

function kindOf(text: string, before: RegoToken | undefined): RegoToken["kind"] {
  const first = text.charAt(0);
  if (first === '"' || (first === "`" && text.length > 1)) return "string";
  if (first >= "0" && first <= "9") return "number";
  if (!/\w/.test(first)) return "sign";
  return before?.text === "." ? "field" : "word";
}

/** The tokens of a text in order. Invalid Rego has tokens too; its evaluation fails elsewhere. */
export function regoTokens(text: string): readonly RegoToken[] {
  const tokens: RegoToken[] = [];
  let line = 1;
  // Not matchAll, which makes an object for each match.
  for (const token of text.match(TOKEN) ?? []) {
    if (token === "\n") line += 1;
    else if (!token.startsWith("#")) tokens.push({ kind: kindOf(token, tokens.at(-1)), text: token, line });
    if (token.startsWith("`")) line += lineCount(token) - 1;
  }
  return tokens;
}

/** A string with JSON's escapes only. */
const isJson = /^"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"$/u;

/** The content of a string. */
export function stringValue({ text }: RegoToken): string {
  return isJson.test(text) ? String(JSON.parse(text)) : text.slice(1, -1);
}

export function isWord(token: RegoToken | undefined, ...words: readonly string[]): boolean {
  return token?.kind === "word" && words.includes(token.text);
}

export function isSign(token: RegoToken | undefined, ...signs: readonly string[]): boolean {
  return token?.kind === "sign" && signs.includes(token.text);
}

const brackets: ReadonlyMap<string, number> = new Map([
  ...["(", "[", "{"].map((sign) => [sign, 1] as const),
  ...[")", "]", "}"].map((sign) => [sign, -1] as const),
]);

/** 1 for an opening bracket, -1 for a closing one, else 0. */
export function bracket(token: RegoToken): number {
  return brackets.get(token.text) ?? 0;
}

const beforeOperand = [
  ...["package", "import", "default", "as", "if", "else", "contains"],
  ...["in", "with", "some", "every", "not"],
];

/** Whether something must follow a token, possibly on the next line. */
export function isUnfinished(token: RegoToken | undefined): boolean {
  if (token?.kind === "sign") return !isSign(token, ")", "]", "}", ";");
  return isWord(token, ...beforeOperand);
}

/**
 * The tokens from `start` up to the first one that `ends` the sequence outside brackets, excluded.
 * @param ends called for tokens outside of brackets opened since `start`
 */
export function takeUntil(
  tokens: readonly RegoToken[],
  start: number,
  ends: (token: RegoToken, taken: readonly RegoToken[]) => boolean,
): readonly RegoToken[] {
  const taken: RegoToken[] = [];
  let depth = 0;
  for (let at = start; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined || (depth === 0 && (bracket(token) < 0 || ends(token, taken)))) break;
    depth += bracket(token);
    taken.push(token);
  }
  return taken;
}
