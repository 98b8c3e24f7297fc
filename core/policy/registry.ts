import { z } from "zod";
import { byString, defined, isRecord, parseJson } from "../records.ts";
import {
  ANY_TEE,
  canonicalGrants,
  otherSecretsModes,
  tableBindings,
  type GrantTable,
  type Readers,
  type StackGrants,
} from "./grants.ts";

/** The content of a ConfigMap's key before this project's first write; `null`: the key did not exist. */
export type Before = string | null;

/** The stacks in a policy, and the text from before the first one. */
interface Registry {
  readonly stacks: readonly StackGrants[];
  readonly before: Before;
}

/** The readable part of a registry. People may have edited the text. */
export interface FoundRegistry {
  /** The readable lines. */
  readonly stacks: readonly StackGrants[];
  /** Absent: its line is missing or damaged. */
  readonly before?: Before;
  /** Unreadable lines. What they grant and restrict is unknown. */
  readonly damaged: readonly DamagedLine[];
}

/** A stack's line that was damaged, or that contradicts another line of the same stack. */
export interface DamagedLine {
  /** The line number, from 1. */
  readonly line: number;
  /** The stack's name, if it is still readable and the only one in the line. */
  readonly stack?: string;
}

const MARK = "# trustee-access: stack ";
const MARK_BEFORE = "# trustee-access: before ";
/** A line that was once a stack's, even if its spaces or its colon were changed. */
const LIKE_A_MARK = /^\s*#+\s*trustee-access\W*stack\b/i;

/**
 * The registry as comment lines in the policy, one JSON document per line: one line per stack, and one with
 * the original text. Every stack finds the others' grants here, whatever happens to their states.
 * @param write the content of a stack's line
 */
export function renderRegistry(
  registry: Registry,
  write: (stack: StackGrants) => unknown = canonicalGrants,
): string {
  const stacks = [...registry.stacks].sort((a, b) => byString(a.stack, b.stack));
  return `# This policy is generated: each stack's grants stand in a line of their own and are merged below. Change them with
# the stack; a change by hand shows as drift in the next preview.
${stacks.map((stack) => `${MARK}${JSON.stringify(write(stack))}`).join("\n")}
${MARK_BEFORE}${JSON.stringify(registry.before)}
`;
}

/** Reads each member of a record; undefined if the value or a member cannot be read. */
function readRecord<T>(
  value: unknown,
  read: (member: unknown, name: string) => T | undefined,
): Readonly<Record<string, T>> | undefined {
  if (!isRecord(value)) return undefined;
  const members = Object.entries(value);
  const found = members.flatMap(([name, member]) => {
    const one = read(member, name);
    return one === undefined ? [] : [[name, one] as const];
  });
  return found.length === members.length ? Object.fromEntries(found) : undefined;
}

function readText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The readers of one key. An older release had the claims directly where the bindings are now. */
function readReaders(value: unknown): Readers | undefined {
  const claims = readRecord(value, readText);
  if (claims !== undefined) return Object.keys(claims).length === 0 ? {} : { [ANY_TEE]: claims };
  return readRecord(value, (member, name) =>
    tableBindings.some((binding) => binding === name) ? readRecord(member, readText) : undefined,
  );
}

/**
 * Reads a grant table, in this release's form or in that of an older release without bindings.
 * @returns undefined if it is not a table
 */
export function readTable(value: unknown): GrantTable | undefined {
  return readRecord(value, (keys) => readRecord(keys, readReaders));
}

/** The same, as a schema for inputs and outputs. */
export const grantTable = z.unknown().transform((value, context): GrantTable => {
  const table = readTable(value);
  if (table !== undefined) return table;
  context.addIssue("a table of grants: secret -> key -> binding -> init_data -> reader");
  return z.NEVER;
});

function readStackGrants(value: unknown): StackGrants | undefined {
  if (!isRecord(value)) return undefined;
  const { stack, identity, owner, retiring } = value;
  const others = otherSecretsModes.find((mode) => mode === value["others"]);
  const tables = [value["secrets"], ...(retiring === undefined ? [] : [retiring])].map(readTable);
  const [secrets, previousTables] = tables;
  if (typeof stack !== "string" || others === undefined || secrets === undefined) return undefined;
  if (tables.includes(undefined)) return undefined;
  if (identity !== undefined && typeof identity !== "string") return undefined;
  if (owner !== undefined && typeof owner !== "string") return undefined;
  return defined({ stack, identity, owner, others, secrets, retiring: previousTables });
}

/** A complete name, followed by what must follow it. */
const STACK_NAME = /"stack"\s*:\s*("(?:[^"\\]|\\.)*")(?=\s*(?:[,}]|$))/g;

/** A damaged line, with its stack if exactly one is named in it. */
function damagedLine(text: string, index: number): DamagedLine {
  const names = new Set([...text.matchAll(STACK_NAME)].map(([, name = ""]) => parseJson(name)));
  const [stack] = names;
  return { line: index + 1, ...(names.size === 1 && typeof stack === "string" ? { stack } : {}) };
}

/** Every stack's line, or its position if it cannot be read. */
function stackLines(lines: readonly string[]): readonly (StackGrants | DamagedLine)[] {
  const seen = new Map<string, string>();
  return lines.flatMap((line, index): (StackGrants | DamagedLine)[] => {
    if (!LIKE_A_MARK.test(line)) return [];
    const read = line.startsWith(MARK) ? readStackGrants(parseJson(line.slice(MARK.length))) : undefined;
    if (read === undefined) return [damagedLine(line, index)];
    const canonical = JSON.stringify(canonicalGrants(read));
    const known = seen.get(read.stack);
    seen.set(read.stack, known ?? canonical);
    if (known === undefined) return [read];
    return known === canonical ? [] : [damagedLine(line, index)];
  });
}

/**
 * The readable lines of a policy's registry, and the damaged ones. `undefined` for no policy, and for a
 * foreign one, which has no such line.
 */
export function parseRegistry(text: Before): FoundRegistry | undefined {
  if (text === null) return undefined;
  const lines = text.split("\n");
  const marked = stackLines(lines);
  const before = lines
    .filter((line) => line.startsWith(MARK_BEFORE))
    .map((line) => parseJson(line.slice(MARK_BEFORE.length)));
  if (marked.length === 0 && before.length === 0) return undefined;
  const stacks = marked.filter((line) => "secrets" in line);
  const damaged = marked.filter((line) => "line" in line);
  const [original] = before;
  const sound = before.length === 1 && (typeof original === "string" || original === null);
  return { stacks, damaged, ...(sound ? { before: original } : {}) };
}
