import TOML from "@iarna/toml";
import { isRecord, messageOf, own } from "../records.ts";

export type Table = Readonly<Record<string, unknown>>;

/** A text as TOML. */
interface ReadToml {
  readonly table: Table;
  /** Why it is none; then `table` has the parts of it that can be read. */
  readonly problem?: string;
}

/** More statements than these no guest's file has. */
const MOST_STATEMENTS = 1000;

/** What ends a multi-line text, opens or closes a list, or hides either from being looked at. */
const PART = /"""|'''|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*|[[\]\n]/g;

/** The header of a table, which no list and no text of a guest's file has on a line of its own. */
const HEADER = /[ \t]*\[\[?(?!true\b|false\b)[A-Za-z_][\w.-]*\]/y;

function isHeader(text: string, at: number): boolean {
  HEADER.lastIndex = at;
  return HEADER.test(text);
}

/** A text's statements: headers of tables, and keys with their values. One that is not closed ends where a table begins. */
function statementsOf(text: string): readonly string[] {
  const found: string[] = [];
  let begun = 0;
  let depth = 0;
  let quotes: string | undefined;
  for (const { 0: part, index } of text.matchAll(PART)) {
    const isEnd = part === "\n" && ((quotes === undefined && depth <= 0) || isHeader(text, index + 1));
    if (isEnd || (part === "\n" && isHeader(text, begun))) {
      found.push(text.slice(begun, index));
      begun = index + 1;
      depth = 0;
      quotes = undefined;
    } else if (quotes !== undefined) {
      if (part === quotes) quotes = undefined;
    } else if (part === '"""' || part === "'''") quotes = part;
    else if (part === "[") depth += 1;
    else if (part === "]") depth -= 1;
  }
  return [...found, text.slice(begun)].map((one) => one.trim()).filter((one) => one !== "");
}

function parsed(text: string): Table | undefined {
  try {
    return TOML.parse(text);
  } catch {
    return undefined;
  }
}

/** Both, where they are tables or lists of them; else the first, since a key counts once. */
function merged(first: unknown, second: unknown): unknown {
  if (Array.isArray(first) && Array.isArray(second)) return (first as readonly unknown[]).concat(second);
  if (!isRecord(first) || !isRecord(second)) return first ?? second;
  const names = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries([...names].map((name) => [name, merged(own(first, name), own(second, name))]));
}

/** What can be read of a text that is no TOML: each table by itself, and what cannot be read of a table left out. */
function salvaged(text: string): Table {
  const blocks: string[][] = [[]];
  for (const one of statementsOf(text).slice(0, MOST_STATEMENTS)) {
    if (one.startsWith("[")) blocks.push([one]);
    else blocks.at(-1)?.push(one);
  }
  return blocks.reduce<Table>((all, [header = "", ...rest]) => {
    const whole = parsed([header, ...rest].join("\n"));
    const [head, lines] = header.startsWith("[") ? [`${header}\n`, rest] : ["", [header, ...rest]];
    // A list of tables takes one more with each header: its readable lines stand under one.
    const readable = lines.filter((line) => parsed(line) !== undefined);
    const firsts = [...new Map(readable.map((line) => [line.split("=", 1).join("").trim(), line])).values()];
    const part = whole ?? parsed(`${head}${firsts.join("\n")}`) ?? {};
    return merged(all, part) as Table;
  }, {});
}

/** Reads a text as TOML; of one that is none, what can be read. */
export function readToml(text: string): ReadToml {
  try {
    return { table: TOML.parse(text) };
  } catch (error) {
    const [problem = ""] = messageOf(error).split("\n");
    return { table: salvaged(text), problem: problem.replace(/, pos \d+:$/, "") };
  }
}
