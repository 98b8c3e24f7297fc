import { z } from "zod";
import { byString, isRecord, parseJson } from "../records.ts";
import {
  ANY_TEE,
  canonicalGrants,
  otherSecretsModes,
  tableBindings,
  type GrantTable,
  type Readers,
  type StackGrants,
} from "./grants.ts";

/** What a ConfigMap's key held before this project first wrote it; `null`: the key was not there. */
export type Before = string | null;

/** Whose policy a text is: what each stack has put in, and what was there before the first of them. */
interface Registry {
  readonly stacks: readonly StackGrants[];
  readonly before: Before;
}

/** What can be read of a registry in a text that people may have edited. */
export interface FoundRegistry {
  /** Those whose lines are sound. */
  readonly stacks: readonly StackGrants[];
  /** Absent if its line is missing or damaged. */
  readonly before?: Before;
  /** Lines of stacks that cannot be read: what they granted and restricted is not known. */
  readonly damaged: readonly DamagedLine[];
}

/** A stack's line that people have damaged, or that contradicts another of the same stack. */
export interface DamagedLine {
  /** Where it stands in the text, from 1. */
  readonly line: number;
  /** The one stack that it names, where that can still be read. */
  readonly stack?: string;
}

const MARK = "# trustee-access: stack ";
const MARK_BEFORE = "# trustee-access: before ";
/** What was a stack's line once, whatever became of the spaces and the colon. */
const LIKE_A_MARK = /^\s*#+\s*trustee-access\W*stack\b/i;

/**
 * The registry as comment lines of the policy, one JSON document a line: one per stack, and one with the text that was
 * there before. The policy alone so tells every stack what the others put in, whatever happens to a stack's state.
 * @param write what stands in a stack's line
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

/** A record with each member read; undefined if a value is none, or a member cannot be read. */
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

/** The readers of one key. Where the bindings are now, an older release wrote the claims, which so say nothing of the TEE. */
function readReaders(value: unknown): Readers | undefined {
  const claims = readRecord(value, readText);
  if (claims !== undefined) return Object.keys(claims).length === 0 ? {} : { [ANY_TEE]: claims };
  return readRecord(value, (member, name) =>
    tableBindings.some((binding) => binding === name) ? readRecord(member, readText) : undefined,
  );
}

/**
 * A table of grants, e.g. one that was read from a text; also one of an older release, which said nothing of TEEs.
 * @returns undefined for what is none
 */
export function readTable(value: unknown): GrantTable | undefined {
  return readRecord(value, (keys) => readRecord(keys, readReaders));
}

/** The same as the shape of an input or output. */
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
  const [secrets, formers] = tables;
  if (typeof stack !== "string" || others === undefined || secrets === undefined) return undefined;
  if (tables.includes(undefined)) return undefined;
  if (identity !== undefined && typeof identity !== "string") return undefined;
  if (owner !== undefined && typeof owner !== "string") return undefined;
  return {
    stack,
    ...(identity === undefined ? {} : { identity }),
    ...(owner === undefined ? {} : { owner }),
    others,
    secrets,
    ...(formers === undefined ? {} : { retiring: formers }),
  };
}

/** A name that stands whole: what follows its quote is what has to follow it. */
const STACK_NAME = /"stack"\s*:\s*("(?:[^"\\]|\\.)*")(?=\s*(?:[,}]|$))/g;

/** A damaged line, with the stack if just one is named in it. */
function damagedLine(text: string, index: number): DamagedLine {
  const names = new Set([...text.matchAll(STACK_NAME)].map(([, name = ""]) => parseJson(name)));
  const [stack] = names;
  return { line: index + 1, ...(names.size === 1 && typeof stack === "string" ? { stack } : {}) };
}

/** Every stack's line, as it is read, or where it stands if it cannot be. */
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
 * The registry in a policy text, as far as it is sound, and which of its lines are not. `undefined` if the text has no line of
 * a registry: then it is somebody else's.
 */
export function parseRegistry(text: string): FoundRegistry | undefined {
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
