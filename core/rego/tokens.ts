/** A token of a Rego text. Comments are none. */
export interface RegoToken {
  /** `field`: a word after a dot, which is no keyword whatever it is spelled like. */
  readonly kind: "word" | "field" | "string" | "number" | "sign";
  /** As it stands there; a string with its quotes. */
  readonly text: string;
  /** Where it begins, from 1. */
  readonly line: number;
}

/**
 * A comment, a string of either kind, a word, a number, or a sign. A string that is not closed ends with its line, so that no
 * part of a text is looked at for a second time.
 */
const TOKEN = /#[^\n]*|"(?:[^"\\\n]|\\.?)*(?:"|$)|`[^`]*`|[A-Za-z_]\w*|\d[\w.]*|:=|[=!<>]=|\S/gm;

function kindOf(text: string, before: RegoToken | undefined): RegoToken["kind"] {
  const [first = ""] = text;
  if (first === '"' || (first === "`" && text.length > 1)) return "string";
  if (first >= "0" && first <= "9") return "number";
  if (!/\w/.test(first)) return "sign";
  return before?.text === "." ? "field" : "word";
}

/** The tokens of a text, in their order. Of a text that is no Rego there are some too: whoever evaluates it refuses it. */
export function regoTokens(text: string): readonly RegoToken[] {
  const tokens: RegoToken[] = [];
  let line = 1;
  let counted = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    for (; counted < index; counted += 1) if (text[counted] === "\n") line += 1;
    if (!token.startsWith("#")) tokens.push({ kind: kindOf(token, tokens.at(-1)), text: token, line });
  }
  return tokens;
}

/** A string with no escape but JSON's. */
const isJson = /^"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"$/u;

/** What a string stands for. */
export function stringValue({ text }: RegoToken): string {
  return isJson.test(text) ? String(JSON.parse(text)) : text.slice(1, -1);
}

export function isWord(token: RegoToken | undefined, ...words: readonly string[]): boolean {
  return token?.kind === "word" && words.includes(token.text);
}

export function isSign(token: RegoToken | undefined, ...signs: readonly string[]): boolean {
  return token?.kind === "sign" && signs.includes(token.text);
}

/** By how much a token opens (1) or closes (-1) a bracket. */
export function bracket(token: RegoToken): number {
  if (isSign(token, "(", "[", "{")) return 1;
  return isSign(token, ")", "]", "}") ? -1 : 0;
}

const beforeOperand = [
  ...["package", "import", "default", "as", "if", "else", "contains"],
  ...["in", "with", "some", "every", "not"],
];

/** Whether something has to follow a token, be it on the next line. */
export function isUnfinished(token: RegoToken | undefined): boolean {
  if (token?.kind === "sign") return !isSign(token, ")", "]", "}", ";");
  return isWord(token, ...beforeOperand);
}

/**
 * The tokens from `start` to the first one that `ends` and stands in no bracket that was opened on the way, without it.
 * @param ends is asked of those that stand in no such bracket
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
