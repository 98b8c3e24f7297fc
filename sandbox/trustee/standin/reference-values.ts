import { getNodeValue, type Node, type ParseError, parseTree } from "jsonc-parser";
import { parseJson } from "../../../core/records.ts";
import type { Generation } from "../../../core/trustee/generation.ts";

/**
 * The only format of `expiration` that Trustee parses. The field is required, but Trustee does not check whether
 * the time has passed.
 */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/**
 * Reads a reference value like Trustee's RVPS.
 * - In the list format, one malformed entry makes all unreadable, and the first of two entries with one name
 *   counts.
 * - In the map format, a malformed entry affects only itself.
 * @returns any JSON; undefined if there is no such entry
 * @throws Error with Trustee's message if its parser fails
 */
export function referenceValue(generation: Generation, text: string, name: string): unknown {
  return generation === "0.18" ? inList(text, name) : inMap(text, name);
}

function inList(text: string, name: string): unknown {
  const entries = (read(text, "array").children ?? []).map((entry) => {
    const problem = entryProblem(entry, text);
    if (problem !== undefined) throw new Error(problem);
    return entry;
  });
  const found = entries.find((entry) => field(entry, "name")?.value === name);
  return found && value(found);
}

function inMap(text: string, name: string): unknown {
  try {
    const properties = read(text, "object").children ?? [];
    for (const { children: [, encoded] = [] } of properties) {
      if (encoded !== undefined && encoded.type !== "string") {
        throw new Error(`${wrongType(encoded, "a string")} at ${place(text, encoded.offset)}`);
      }
    }
    const found = properties.findLast(({ children }) => children?.[0]?.value === name)?.children?.[1];
    return found && ofEncoded(String(found.value), name);
  } catch (error) {
    if (error instanceof EntryError || !(error instanceof Error)) throw error;
    throw new Error(`malformed value: failed to deserialize the file: ${error.message}`, { cause: error });
  }
}

/** A malformed entry in a well-formed map. */
class EntryError extends Error {}

function ofEncoded(encoded: string, name: string): unknown {
  const bad = encoded.search(/[^A-Za-z0-9_-](?!=?$)|[^A-Za-z0-9_=-]/);
  const why =
    bad !== -1
      ? `Invalid symbol ${encoded.charCodeAt(bad)}, offset ${bad}.`
      : encoded.length % 4 !== 0
        ? "Invalid padding"
        : undefined;
  if (why !== undefined) {
    throw new EntryError(
      `failed to get key \`${name}\`: failed to base64 decode the content inside json: ${why}`,
    );
  }
  const text = Buffer.from(encoded, "base64url").toString("utf8");
  const entry = parseTree(text, [], { disallowComments: true });
  if (entry === undefined || !isJson(text) || entryProblem(entry, text) !== undefined) {
    throw new EntryError("deserialize reference value");
  }
  return value(entry);
}

function field(entry: Node, name: string): Node | undefined {
  return entry.children?.findLast(({ children }) => children?.[0]?.value === name)?.children?.[1];
}

function value(entry: Node): unknown {
  const node = field(entry, "value");
  return node === undefined ? null : (getNodeValue(node) as unknown);
}

/** The problem of an entry, with serde's message and position. */
function entryProblem(entry: Node, text: string): string | undefined {
  const end = (node: Node): string => place(text, node.offset + node.length);
  if (entry.type !== "object") return `${wrongType(entry, "struct ReferenceValue")} at ${end(entry)}`;
  for (const name of ["version", "name", "expiration"]) {
    const node = field(entry, name);
    if (node === undefined && name !== "version") return `missing field \`${name}\` at ${end(entry)}`;
    if (node !== undefined && node.type !== "string") return `${wrongType(node, "a string")} at ${end(node)}`;
  }
  const expiration = field(entry, "expiration");
  const at: unknown = expiration?.value;
  const isInstant = typeof at === "string" && INSTANT.test(at) && !Number.isNaN(Date.parse(at));
  if (expiration === undefined || isInstant) return undefined;
  return `input contains invalid characters at ${end(expiration)}`;
}

const typeNames: Readonly<Record<string, string>> = { object: "map", array: "sequence", number: "integer" };

function wrongType({ type }: Node, expected: string): string {
  return `invalid type: ${typeNames[type] ?? type}, expected ${expected}`;
}

/** A position as serde reports it: lines count from 1, columns from 0. */
function place(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `line ${before.length} column ${before.at(-1)?.length ?? 0}`;
}

/** Parses the text, whose root must have that type. */
function read(text: string, type: "array" | "object"): Node {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true });
  const expected = type === "array" ? "a sequence" : "a map";
  if (root !== undefined && root.type !== type) {
    throw new Error(`${wrongType(root, expected)} at ${place(text, root.offset)}`);
  }
  if (root !== undefined && isJson(text)) return root;
  if (text.trim() === "") throw new Error(`EOF while parsing a value at ${place(text, text.length)}`);
  const [error] = errors;
  const what = /^\s*\{\s*[^"}\s]/.test(text) ? "key must be a string" : "expected value";
  throw new Error(`${what} at ${place(text, (error?.offset ?? 0) + 1)}`);
}

function isJson(text: string): boolean {
  return parseJson(text) !== undefined;
}
