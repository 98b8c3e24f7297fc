import TOML from "@iarna/toml";
import { isRecord, messageOf, own } from "../records.ts";

export type Table = Readonly<Record<string, unknown>>;

/** The result of parsing a text as TOML. */
interface ReadToml {
  readonly table: Table;
  /** Why the text is not TOML. `table` then has the parts that can be read. */
  readonly problem?: string;
}

/** The maximum number of statements. No real file has more. */
const MOST_STATEMENTS = 1000;

/** Delimiters of multi-line texts and lists, and strings and comments that may hide them. */
const PART = /"""|'''|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*|[[\]\n]/g;

/** A table header. No list or text in a guest's file has such a line. */
const HEADER = /[ \t]*\[\[?(?!true\b|false\b)[A-Za-z_][\w.-]*\]/y;

function isHeader(text: string, at: number): boolean {
  HEADER.lastIndex = at;
  return HEADER.test(text);
}

/** A text's statements: table headers, and keys with values. An unclosed value ends at the next header. */
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

/** Merges two tables or lists of tables. Of other values the first counts. */
function merged(first: unknown, second: unknown): unknown {
  if (Array.isArray(first) && Array.isArray(second)) return (first as readonly unknown[]).concat(second);
  if (!isRecord(first) || !isRecord(second)) return first ?? second;
  const names = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries([...names].map((name) => [name, merged(own(first, name), own(second, name))]));
}

/** Salvages invalid TOML: reads each table by itself and skips what cannot be read. */
function salvaged(text: string): Table {
  const blocks: string[][] = [[]];
  for (const one of statementsOf(text).slice(0, MOST_STATEMENTS)) {
    if (one.startsWith("[")) blocks.push([one]);
    else blocks.at(-1)?.push(one);
  }
  return blocks.reduce<Table>((all, [header = "", ...rest]) => {
    const whole = parsed([header, ...rest].join("\n"));
    const [head, lines] = header.startsWith("[") ? [`${header}\n`, rest] : ["", [header, ...rest]];
    // Each [[header]] adds a table to its list. All readable lines go into one table.
    const readable = lines.filter((line) => parsed(line) !== undefined);
    const firsts = [...new Map(readable.map((line) => [line.split("=", 1).join("").trim(), line])).values()];
    const part = whole ?? parsed(`${head}${firsts.join("\n")}`) ?? {};
    return merged(all, part) as Table;
  }, {});
}

/** Parses TOML. From invalid TOML it returns the readable parts. */
export function readToml(text: string): ReadToml {
  try {
    return { table: TOML.parse(text) };
  } catch (error) {
    const [problem = ""] = messageOf(error).split("\n");
    return { table: salvaged(text), problem: problem.replace(/, pos \d+:$/, "") };
  }
}
