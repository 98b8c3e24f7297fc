import { findNodeAtLocation, getNodeValue, parseTree, type Node, type ParseError } from "jsonc-parser";
import { isRecord } from "../records.ts";
import {
  formatOfKey,
  ReferenceValuesFormatError,
  type ReferenceValue,
  type ReferenceValuesFormat,
} from "./format.ts";
import { appendElement, appendElements, keepElements, removeElement, replaceNode } from "./json-edit.ts";

/** An entry as it stands in the document, with where it stands. */
export interface Entry extends ReferenceValue {
  /** Its place among the entries of the document, from 0. */
  readonly at: number;
  /** The entry's own JSON, as it is written. */
  readonly json: string;
}

/** Reads and edits one key's text without touching what it does not have to: order, unknown fields, formatting. */
export interface ReferenceValuesDocument {
  readonly key: string;
  readonly format: ReferenceValuesFormat;
  readonly text: string;
  readonly entries: readonly Entry[];
}

const EMPTY: Readonly<Record<ReferenceValuesFormat, string>> = { list: "[]", map: "{}" };

type Fail = (problem: string) => never;

/** Deeper than any reference value, and than the parser, which calls itself, can go. */
const DEEPEST = 100;

/** Where brackets are nested too deeply. */
function tooDeep(text: string): number | undefined {
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\[^]?)*(?:"|$)|[[\]{}]/g)) {
    if (token.startsWith('"')) continue;
    depth += token === "[" || token === "{" ? 1 : -1;
    if (depth > DEEPEST) return index;
  }
  return undefined;
}

function parseStrict(text: string, fail: (offset: number) => never): Node {
  const deep = tooDeep(text);
  if (deep !== undefined) return fail(deep);
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const [error] = errors;
  return error !== undefined || tree === undefined ? fail(error?.offset ?? 0) : tree;
}

/** A JSON value as a string to compare by: a string is itself, whatever else it may be is its JSON. */
function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function readFields(json: Node, where: string, fail: Fail): ReferenceValue {
  const value: unknown = getNodeValue(json);
  if (!isRecord(value)) fail(`${where} is not an object`);
  const { name, expiration, value: raw } = value;
  if (typeof name !== "string") fail(`${where} has no "name"`);
  if (typeof expiration !== "string") fail(`${where} has no "expiration"`);
  const values: unknown = typeof raw === "string" ? [raw] : raw;
  if (!Array.isArray(values)) fail(`${where} has no list under "value"`);
  return { name, expiration, values: values.map(asText) };
}

/** The JSON in a map entry: base64url, padded; the unpadded and the standard alphabet are read too. */
function decodeEntry(encoded: unknown, where: string, fail: Fail): string {
  if (typeof encoded !== "string" || !/^[A-Za-z0-9_+/-]*={0,2}$/.test(encoded))
    fail(`${where} is not base64url`);
  return Buffer.from(encoded, "base64url").toString("utf8");
}

function encodeEntry(json: string): string {
  return Buffer.from(json, "utf8").toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/**
 * The document under `key`.
 * @param text the key's content; `null` (no such key) and blank text are an empty document
 * @throws ReferenceValuesFormatError if an RVPS of that generation could not read it
 */
export function readDocument(key: string, text: string | null): ReferenceValuesDocument {
  const fail: Fail = (problem) => {
    throw new ReferenceValuesFormatError(key, problem);
  };
  const format = formatOfKey(key);
  const content = text === null || text.trim() === "" ? EMPTY[format] : text;
  const tree = parseStrict(content, (offset) => fail(`it is not JSON (at character ${offset})`));
  if (tree.type !== (format === "list" ? "array" : "object")) {
    const found = tree.type === "array" ? "a list" : tree.type === "object" ? "an object" : `a ${tree.type}`;
    const other = tree.type === "array" || tree.type === "object";
    fail(`it holds ${found}${other ? ", as the other generation of Trustee does" : ""}`);
  }
  const children = tree.children ?? [];
  const entries = children.map((node, at): Entry => {
    if (format === "list") {
      const json = content.slice(node.offset, node.offset + node.length);
      return { ...readFields(node, `entry [${at}]`, fail), at, json };
    }
    const [keyNode, literal] = node.children ?? [];
    const name = String(keyNode?.value);
    const where = `entry "${name}"`;
    const json = decodeEntry(literal?.value, where, fail);
    const inner = parseStrict(json, () => fail(`${where} is base64url, but of no JSON`));
    return { ...readFields(inner, where, fail), name, at, json };
  });
  return { key, format, text: content, entries };
}

/** A node of a text that has been read before, so that it parses and has the node. */
function nodeAt(text: string, path: (string | number)[]): Node {
  const root = parseTree(text);
  const node = root === undefined ? undefined : path.length === 0 ? root : findNodeAtLocation(root, path);
  if (node === undefined) throw new Error(`there is no ${path.join(".")} in the reference values`);
  return node;
}

/** Values in place: those that go are taken out, those that come are appended; the others keep their bytes. */
function editValues(entry: string, from: readonly string[], to: readonly string[]): string {
  const list = nodeAt(entry, ["value"]);
  const listed = list.type === "string" ? replaceNode(entry, list, from) : entry;
  let next = 0;
  const kept = from.map((value) => {
    const stays = to[next] === value;
    if (stays) next += 1;
    return stays;
  });
  const rest = keepElements(listed, nodeAt(listed, ["value"]), kept);
  const [first, ...more] = to.slice(next);
  if (first === undefined) return rest;
  const text = appendElement(rest, nodeAt(rest, ["value"]), first);
  return more.length === 0 ? text : appendElements(text, nodeAt(text, ["value"]), more);
}

/** A time as the RVPS reads it, `%Y-%m-%dT%H:%M:%SZ`: with any other it reads no reference value at all. */
export function isExpiration(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) && !Number.isNaN(Date.parse(text));
}

function needExpiration(name: string, expiration: string): void {
  if (isExpiration(expiration)) return;
  throw new Error(
    `the reference value ${JSON.stringify(name)} was to be written with the expiration ${JSON.stringify(expiration)}`,
  );
}

/** The fields that change in an entry; what is absent of them stays. */
export interface EntryChange {
  /** Those of the entry in their order, without some and with new ones at the end. */
  readonly values: readonly string[];
  /** `%Y-%m-%dT%H:%M:%SZ` */
  readonly expiration?: string;
}

/**
 * The document with one entry changed; everything else keeps its bytes.
 * @throws Error if the RVPS could not read the new expiration
 */
export function editEntry(
  document: ReferenceValuesDocument,
  entry: Entry,
  { values, expiration }: EntryChange,
): ReferenceValuesDocument {
  const { key, text, format } = document;
  if (expiration !== undefined) needExpiration(entry.name, expiration);
  const valued = editValues(entry.json, entry.values, values);
  const changed =
    expiration === undefined ? valued : replaceNode(valued, nodeAt(valued, ["expiration"]), expiration);
  const node = nodeAt(text, []).children?.[entry.at];
  const literal = format === "list" ? node : node?.children?.[1];
  if (literal === undefined) throw new Error(`there is no entry ${entry.at} in the reference values`);
  const { offset, length } = literal;
  const written = format === "list" ? changed : JSON.stringify(encodeEntry(changed));
  return readDocument(key, text.slice(0, offset) + written + text.slice(offset + length));
}

/**
 * Appends an entry, after all others.
 * @throws Error if the RVPS could not read its expiration
 */
export function addEntry(document: ReferenceValuesDocument, entry: ReferenceValue): ReferenceValuesDocument {
  const { key, text, format } = document;
  needExpiration(entry.name, entry.expiration);
  const fields = { name: entry.name, expiration: entry.expiration, value: entry.values };
  const root = nodeAt(text, []);
  if (format === "list") return readDocument(key, appendElement(text, root, fields));
  const encoded = encodeEntry(JSON.stringify({ version: "0.1.0", ...fields }));
  return readDocument(key, appendElement(text, root, encoded, entry.name));
}

/** Takes an entry out. */
export function removeEntry(document: ReferenceValuesDocument, entry: Entry): ReferenceValuesDocument {
  const { key, text } = document;
  return readDocument(key, removeElement(text, nodeAt(text, []), entry.at));
}

/** The whole content for a comparison: formatting gone, map entries decoded, a lone value as a list of one. */
export function comparable(document: ReferenceValuesDocument): string {
  return JSON.stringify(
    document.entries.map((entry) => {
      const fields = JSON.parse(entry.json) as Readonly<Record<string, unknown>>;
      const { value } = fields;
      return [entry.name, { ...fields, value: typeof value === "string" ? [value] : value }];
    }),
  );
}
