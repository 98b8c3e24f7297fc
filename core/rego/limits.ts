/** The limits of regorus, Trustee's engine, from version 0.10 on. */
export const regoLimits = { column: 1024, lines: 20_000, bytes: 1_048_576 } as const;

/** A limit that a policy exceeds. */
export interface BeyondLimit {
  readonly limit: keyof typeof regoLimits;
  /** From 1. */
  readonly line: number;
}

/** A comment, a string of either kind (possibly unclosed), or other text. */
const PIECE = /#[^\n]*|"(?:[^"\\\n]|\\.?)*"?|`[^`]*`?|[^#"`]+/g;

/**
 * The lines that are too wide. A tab counts as four columns, a string by its bytes, a comment not at all, CR
 * only in a raw string.
 */
export function wideLines(text: string): readonly number[] {
  const found = new Set<number>();
  let line = 1;
  let width = 0;
  const widen = (columns: number): void => {
    width += columns;
    if (width >= regoLimits.column) found.add(line);
  };
  for (const [piece] of text.matchAll(PIECE)) {
    if (piece.startsWith("#")) continue;
    if (piece.startsWith('"')) widen(Buffer.byteLength(piece));
    else {
      const isRaw = piece.startsWith("`");
      for (const character of piece) {
        if (character === "\n") {
          line += 1;
          width = 0;
        } else if (isRaw || character !== "\r") widen(character === "\t" ? 4 : 1);
      }
    }
  }
  return [...found];
}

/** The number of lines as regorus counts them: the text after the last line feed is one too. */
export function lineCount(text: string): number {
  let lines = 1;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

/**
 * The limit of regorus 0.10 and later that a text exceeds, if any. OPA has no such limits.
 * @see https://github.com/microsoft/regorus/blob/regorus-v0.10.1/src/lexer.rs (`from_contents_with_limits`,
 *   `advance_col`)
 */
export function beyondRegoLimits(text: string): BeyondLimit | undefined {
  if (Buffer.byteLength(text) > regoLimits.bytes) return { limit: "bytes", line: 1 };
  if (lineCount(text) > regoLimits.lines) return { limit: "lines", line: regoLimits.lines };
  const [line] = wideLines(text);
  return line === undefined ? undefined : { limit: "column", line };
}
