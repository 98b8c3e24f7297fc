import { findNodeAtLocation, getNodeValue, parseTree, type Node, type ParseError } from "jsonc-parser";
import { shownName } from "../shown.ts";
import { isRecord } from "../records.ts";
import { UserError } from "../issues.ts";
import { formatOf, unreadable, type ReferenceValue, type ReferenceValuesFormat } from "../trustee/format.ts";
import { appendElements, keepElements, removeElement, replaceNode } from "./json-edit.ts";

/** An entry of the document, and its position. */
export interface Entry extends ReferenceValue {
  /** Its index among the entries of the document, from 0. */
  readonly at: number;
  /** The entry's JSON, as written. */
  readonly json: string;
  /**
   * The form of `value`: a list; a text, which Trustee cannot search like a list; or other JSON. `unread`:
   * there is none, or the entry cannot be decoded.
   */
  readonly form: "list" | "text" | "other" | "unread";
  /** Why an RVPS cannot read the entry. Follows its name in a sentence. */
  readonly flaw?: string;
}

/** One key's reference values. Edits keep everything else: order, unknown fields, formatting. */
export interface ReferenceValuesDocument {
  readonly key: string;
  readonly format: ReferenceValuesFormat;
  readonly text: string;
  readonly entries: readonly Entry[];
}

const EMPTY: Readonly<Record<ReferenceValuesFormat, string>> = { list: "[]", map: "{}" };

type Fail = (problem: string) => never;

/** The maximum nesting that an RVPS reads. */
const DEEPEST = 127;

/** The offset at which brackets are nested too deeply. */
function tooDeep(text: string): number | undefined {
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\[^]?)*(?:"|$)|[[\]{}]/g)) {
    if (token.startsWith('"')) continue;
    depth += token === "[" || token === "{" ? 1 : -1;
    if (depth > DEEPEST) return index;
  }
  return undefined;
}

/** The tree of a JSON text, or the offset of its first error. */
function parseJsonNode(text: string): Node | number {
  const deep = tooDeep(text);
  if (deep !== undefined) return deep;
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const [error] = errors;
  return error !== undefined || tree === undefined ? (error?.offset ?? 0) : tree;
}

/** A JSON value as a comparable text: a string as it is, anything else as JSON. */
function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Whether the RVPS can read a time: `%Y-%m-%dT%H:%M:%SZ`. */
export function isExpiration(text: string): boolean {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text.replace(/Z$/, ".000Z");
}

/** Seconds since 1970; `undefined` if the RVPS cannot read it. */
export function expirySeconds(expiration: string): number | undefined {
  return isExpiration(expiration) ? Date.parse(expiration) / 1000 : undefined;
}

/** What an RVPS requires and an entry lacks. */
function lackOf(entry: unknown): string | undefined {
  if (!isRecord(entry)) return "is not an object";
  if (typeof entry["name"] !== "string") return 'has no "name"';
  if (typeof entry["expiration"] !== "string") return 'has no "expiration"';
  return entry["value"] === undefined ? 'has no "value"' : undefined;
}

function formOf(value: unknown): Entry["form"] {
  if (value === undefined) return "unread";
  if (Array.isArray(value)) return "list";
  return typeof value === "string" ? "text" : "other";
}

/** The fields of an entry, even of an incomplete one. */
function fieldsOf(entry: unknown): Omit<Entry, "at" | "json"> {
  const { name, expiration: until, value } = isRecord(entry) ? entry : {};
  const expiration = typeof until === "string" ? until : "";
  const values: readonly unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
  const flaw =
    lackOf(entry) ??
    (isExpiration(expiration)
      ? undefined
      : `has the expiration "${shownName(expiration)}", which the RVPS cannot read`);
  return {
    name: typeof name === "string" ? name : "",
    expiration,
    values: values.map(asText),
    form: formOf(value),
    ...(flaw === undefined ? {} : { flaw }),
  };
}

function listEntry(content: string, node: Node, at: number, fail: Fail): Entry {
  const entry: unknown = getNodeValue(node);
  const lack = lackOf(entry);
  // One such entry makes the whole list unreadable.
  if (lack !== undefined) fail(`entry [${at}] ${lack}`);
  return { ...fieldsOf(entry), at, json: content.slice(node.offset, node.offset + node.length) };
}

const PADDED = /^(?:[\w-]{4})*(?:[\w-]{2}==|[\w-]{3}=)?$/;

/** An entry of the map. A problem affects only this entry: an RVPS decodes entries one by one. */
function mapEntry(node: Node, at: number, fail: Fail): Entry {
  const [keyNode, literal] = node.children ?? [];
  const name = String(keyNode?.value);
  const encoded: unknown = literal?.value;
  if (typeof encoded !== "string") fail(`entry "${shownName(name)}" is not a text`);
  const unread = (flaw: string): Entry => ({
    ...{ name, expiration: "", values: [encoded], form: "unread", at, json: encoded, flaw },
  });
  const bare = encoded.replace(/\s+/g, "");
  if (!/^[\w+/-]*={0,2}$/.test(bare)) return unread("is not base64url");
  const json = Buffer.from(bare, "base64url").toString("utf8");
  const inner = parseJsonNode(json);
  if (typeof inner === "number") return unread("is base64url, but not of JSON");
  const fields = fieldsOf(getNodeValue(inner));
  const read = PADDED.test(encoded) ? {} : { flaw: "is not base64url with padding" };
  return { ...fields, ...read, name, at, json };
}

function encodeEntry(json: string): string {
  return Buffer.from(json, "utf8").toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/**
 * Reads the document under `key`.
 * @param text the key's content; `null` (no such key) and blank are an empty document
 * @throws UserError if an RVPS of that generation could read nothing of it
 */
export function readDocument(key: string, text: string | null): ReferenceValuesDocument {
  const format = formatOf(key, text);
  const fail: Fail = (problem) => {
    throw unreadable(key, format, problem);
  };
  const content = text === null || text.trim() === "" ? EMPTY[format] : text;
  const tree = parseJsonNode(content);
  if (typeof tree === "number") return fail(`it is not JSON (at character ${tree})`);
  if (tree.type !== (format === "list" ? "array" : "object")) {
    const found = tree.type === "array" ? "a list" : tree.type === "object" ? "an object" : `a ${tree.type}`;
    const other = tree.type === "array" || tree.type === "object";
    fail(`it holds ${found}${other ? ", as the other generation of Trustee does" : ""}`);
  }
  const entries = (tree.children ?? []).map((node, at) =>
    format === "list" ? listEntry(content, node, at, fail) : mapEntry(node, at, fail),
  );
  return { key, format, text: content, entries };
}

/** A node of an already validated text. */
function nodeAt(text: string, path: (string | number)[]): Node {
  const root = parseTree(text);
  const node = root === undefined ? undefined : path.length === 0 ? root : findNodeAtLocation(root, path);
  if (node === undefined) throw new Error(`there is no ${path.join(".")} in the reference values`);
  return node;
}

/** Edits a list of values in place: removes and appends. The others keep their bytes. */
function editValues(entry: string, from: readonly string[], to: readonly string[]): string {
  const list = nodeAt(entry, ["value"]);
  const listed = list.type === "array" ? entry : replaceNode(entry, list, from);
  let next = 0;
  const kept = from.map((value) => {
    const stays = to[next] === value;
    if (stays) next += 1;
    return stays;
  });
  const rest = keepElements(listed, nodeAt(listed, ["value"]), kept);
  return appendElements(rest, nodeAt(rest, ["value"]), to.slice(next));
}

function needExpiration(name: string, expiration: string): void {
  if (isExpiration(expiration)) return;
  throw new Error(
    `the reference value ${JSON.stringify(name)} was to be written with the expiration ${JSON.stringify(expiration)}`,
  );
}

/** The error for an entry that cannot hold digests. */
export function unwritable(
  { key, format }: Pick<ReferenceValuesDocument, "key" | "format">,
  { name, form, flaw = "" }: Entry,
): UserError {
  if (form !== "other") return unreadable(key, format, `entry "${shownName(name)}" ${flaw}`);
  return new UserError(
    "TA812",
    `The reference values under the key "${key}" cannot hold digests: entry "${shownName(name)}" has no list under "value". ` +
      "Nothing was written; make its value a list by hand, or remove the entry, then run again.",
  );
}

export function isWritable({ form }: Entry): boolean {
  return form === "list" || form === "text";
}

/** Whether an RVPS cannot find the values of an entry that is readable here. */
export function isUnfit(entry: Entry): boolean {
  return isWritable(entry) && (entry.form === "text" || entry.flaw !== undefined);
}

function withExpiration(entry: string, expiration: string): string {
  const root = nodeAt(entry, []);
  const node = findNodeAtLocation(root, ["expiration"]);
  return node === undefined
    ? appendElements(entry, root, [expiration], "expiration")
    : replaceNode(entry, node, expiration);
}

/** The changed fields of an entry. Absent fields stay as they are. */
interface EntryChange {
  /** The entry's values in their order, some removed, new ones appended. */
  readonly values: readonly string[];
  /** `%Y-%m-%dT%H:%M:%SZ` */
  readonly expiration?: string;
}

/**
 * Changes one entry; everything else keeps its bytes.
 * @throws UserError if the entry cannot hold digests
 * @throws Error if the RVPS could not read the new expiration
 */
export function editEntry(
  document: ReferenceValuesDocument,
  entry: Entry,
  { values, expiration }: EntryChange,
): ReferenceValuesDocument {
  const { key, text, format } = document;
  if (expiration !== undefined) needExpiration(entry.name, expiration);
  if (!isWritable(entry)) throw unwritable(document, entry);
  const valued = editValues(entry.json, entry.values, values);
  const changed = expiration === undefined ? valued : withExpiration(valued, expiration);
  const node = nodeAt(text, []).children?.[entry.at];
  const literal = format === "list" ? node : node?.children?.[1];
  if (literal === undefined) throw new Error(`there is no entry ${entry.at} in the reference values`);
  const { offset, length } = literal;
  const written = format === "list" ? changed : JSON.stringify(encodeEntry(changed));
  return readDocument(key, text.slice(0, offset) + written + text.slice(offset + length));
}

/**
 * Appends an entry.
 * @throws Error if the RVPS could not read its expiration
 */
export function addEntry(document: ReferenceValuesDocument, entry: ReferenceValue): ReferenceValuesDocument {
  const { key, text, format } = document;
  needExpiration(entry.name, entry.expiration);
  const fields = { name: entry.name, expiration: entry.expiration, value: entry.values };
  const root = nodeAt(text, []);
  if (format === "list") return readDocument(key, appendElements(text, root, [fields]));
  const encoded = encodeEntry(JSON.stringify({ version: "0.1.0", ...fields }));
  return readDocument(key, appendElements(text, root, [encoded], entry.name));
}

export function removeEntry(document: ReferenceValuesDocument, entry: Entry): ReferenceValuesDocument {
  const { key, text } = document;
  return readDocument(key, removeElement(text, nodeAt(text, []), entry.at));
}

/** JSON without its layout. A number keeps its digits. */
function canonical(node: Node, text: string): unknown {
  if (node.type === "number") return [text.slice(node.offset, node.offset + node.length)];
  if (node.type === "string" || node.type === "boolean" || node.type === "null") return node.value;
  return { [node.type]: (node.children ?? []).map((child) => canonical(child, text)) };
}

/** The content for a comparison: without formatting, with map entries decoded and a single text as a list. */
export function comparable(document: ReferenceValuesDocument): string {
  return JSON.stringify(
    document.entries.map((entry) => {
      if (entry.form === "unread") return [entry.name, entry.json];
      const json = entry.form === "text" ? editValues(entry.json, entry.values, entry.values) : entry.json;
      return [entry.name, canonical(nodeAt(json, []), json)];
    }),
  );
}
