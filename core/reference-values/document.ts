import {
  applyEdits,
  getNodeValue,
  modify,
  parseTree,
  type JSONPath,
  type ModificationOptions,
  type Node,
  type ParseError,
} from "jsonc-parser";
import {
  formatOfKey,
  ReferenceValuesFormatError,
  type ReferenceValue,
  type ReferenceValuesFormat,
} from "./format.ts";

/** An entry as it stands in the document, with where it stands. */
export interface Entry extends ReferenceValue {
  /** Its place among the entries of the document, from 0. */
  readonly at: number;
  /** The entry's own JSON, as it is written. */
  readonly json: string;
  /** Map format: where its base64url literal stands in the text. */
  readonly literal?: { readonly offset: number; readonly length: number };
}

/** Reads and edits one key's text without touching what it does not have to: order, unknown fields, formatting. */
export interface ReferenceValuesDocument {
  readonly key: string;
  readonly format: ReferenceValuesFormat;
  readonly text: string;
  readonly entries: readonly Entry[];
}

const EMPTY: Readonly<Record<ReferenceValuesFormat, string>> = { list: "[]", map: "{}" };

/** Edits look like what is around them: the indentation of the first indented line; a text of one line stays one. */
function formatting(text: string): ModificationOptions {
  if (!text.includes("\n")) return {};
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
  const insertSpaces = !indent.startsWith("\t");
  const tabSize = insertSpaces ? indent.length : 1;
  return { formattingOptions: { insertSpaces, tabSize, eol: text.includes("\r\n") ? "\r\n" : "\n" } };
}

function edit(text: string, path: JSONPath, value: unknown, insert = false): string {
  return applyEdits(text, modify(text, path, value, { ...formatting(text), isArrayInsertion: insert }));
}

type Fail = (problem: string) => never;

function parseStrict(text: string, fail: (offset: number) => never): Node {
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
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail(`${where} is not an object`);
  const { name, expiration, value: raw } = value as Readonly<Record<string, unknown>>;
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
    const { offset = 0, length = 0 } = literal ?? {};
    return { ...readFields(inner, where, fail), name, at, json, literal: { offset, length } };
  });
  return { key, format, text: content, entries };
}

/** Values in place: those that go are taken out one by one, those that come are appended; the others keep their bytes. */
function editValues(json: string, base: JSONPath, from: readonly string[], to: readonly string[]): string {
  const path = [...base, "value"];
  const kept: string[] = [];
  const wanted = [...to];
  let text = json;
  for (const value of from) {
    if (wanted[0] === value) kept.push(wanted.shift() ?? value);
    else text = edit(text, [...path, kept.length], undefined);
  }
  for (const value of wanted) {
    text = edit(text, [...path, kept.length], value, true);
    kept.push(value);
  }
  return text;
}

/**
 * Sets fields of one entry; what is absent of them stays, and everything else keeps its bytes.
 * @param fields.values those of the entry in their order, without some and with new ones at the end
 */
export function editEntry(
  document: ReferenceValuesDocument,
  entry: Entry,
  fields: { readonly values?: readonly string[]; readonly expiration?: string },
): ReferenceValuesDocument {
  const change = (json: string, base: JSONPath): string => {
    let text = json;
    if (fields.values !== undefined) {
      if (isLone(entry)) text = edit(text, [...base, "value"], entry.values);
      text = editValues(text, base, entry.values, fields.values);
    }
    return fields.expiration === undefined ? text : edit(text, [...base, "expiration"], fields.expiration);
  };
  const { key, text } = document;
  if (entry.literal === undefined) return readDocument(key, change(text, [entry.at]));
  const { offset, length } = entry.literal;
  const literal = JSON.stringify(encodeEntry(change(entry.json, [])));
  return readDocument(key, text.slice(0, offset) + literal + text.slice(offset + length));
}

/** Whether the entry's value is a string where a list is usual. */
function isLone(entry: Entry): boolean {
  return typeof (JSON.parse(entry.json) as Readonly<Record<string, unknown>>)["value"] === "string";
}

/** Appends an entry, after all others. */
export function addEntry(document: ReferenceValuesDocument, entry: ReferenceValue): ReferenceValuesDocument {
  const { key, text, format, entries } = document;
  const fields = { name: entry.name, expiration: entry.expiration, value: entry.values };
  const added =
    format === "list"
      ? edit(text, [entries.length], fields, true)
      : edit(text, [entry.name], encodeEntry(JSON.stringify({ version: "0.1.0", ...fields })));
  return readDocument(key, added);
}

/** Takes an entry out. In a map that has its name twice it stays: which of them would go is not ours to say. */
export function removeEntry(document: ReferenceValuesDocument, entry: Entry): ReferenceValuesDocument {
  const { key, text, format, entries } = document;
  if (format === "list") return readDocument(key, edit(text, [entry.at], undefined));
  const twice = entries.some((other) => other.name === entry.name && other.at !== entry.at);
  return twice ? document : readDocument(key, edit(text, [entry.name], undefined));
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
