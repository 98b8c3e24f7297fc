import {
  applyEdits,
  modify,
  parseTree,
  getNodeValue,
  type JSONPath,
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
  /** List format: its index. Map format: its name. */
  readonly at: string | number;
}

/** Reads and edits one key's text without touching what it does not have to: order, unknown fields, formatting. */
export interface ReferenceValuesDocument {
  readonly format: ReferenceValuesFormat;
  readonly text: string;
  readonly entries: readonly Entry[];
}

const EMPTY: Readonly<Record<ReferenceValuesFormat, string>> = { list: "[]", map: "{}" };

/** The indentation of the first indented line, or two spaces: edits then look like what is around them. */
function formatting(text: string): { insertSpaces: boolean; tabSize: number; eol: string } {
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
  return {
    insertSpaces: !indent.startsWith("\t"),
    tabSize: indent.startsWith("\t") ? 1 : indent.length,
    eol: "\n",
  };
}

function parseStrict(text: string, fail: (problem: string) => never): Node {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const [error] = errors;
  if (error !== undefined || tree === undefined) fail(`it is not JSON (at character ${error?.offset ?? 0})`);
  return tree;
}

function readEntry(node: Node, at: string | number, where: string, fail: (problem: string) => never): Entry {
  const value: unknown = getNodeValue(node);
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail(`${where} is not an object`);
  const record = value as Readonly<Record<string, unknown>>;
  const { name, expiration } = record;
  if (typeof name !== "string") fail(`${where} has no "name"`);
  if (typeof expiration !== "string") fail(`${where} has no "expiration"`);
  const raw = record["value"];
  const values = typeof raw === "string" ? [raw] : raw;
  if (!Array.isArray(values)) fail(`${where} has no list under "value"`);
  return {
    at,
    name: name,
    expiration: expiration,
    values: (values as unknown[]).map((one) => (typeof one === "string" ? one : JSON.stringify(one))),
  };
}

/** The JSON in a map entry: base64url, padded; the unpadded and the standard alphabet are read too. */
function decodeEntry(encoded: unknown, where: string, fail: (problem: string) => never): string {
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
  const fail = (problem: string): never => {
    throw new ReferenceValuesFormatError(key, problem);
  };
  const format = formatOfKey(key);
  const content = text === null || text.trim() === "" ? EMPTY[format] : text;
  const tree = parseStrict(content, fail);
  if (tree.type !== (format === "list" ? "array" : "object")) {
    fail(
      `it holds ${tree.type === "array" ? "a list" : `an ${tree.type}`}, as the other generation of Trustee does`,
    );
  }
  const children = tree.children ?? [];
  if (format === "list") {
    return {
      format,
      text: content,
      entries: children.map((node, at) => readEntry(node, at, `entry [${at}]`, fail)),
    };
  }
  const entries = children.map((property) => {
    const [keyNode, valueNode] = property.children ?? [];
    const name = String(keyNode?.value);
    const json = decodeEntry(valueNode?.value, `entry "${name}"`, fail);
    const inner = parseStrict(json, () => fail(`entry "${name}" is base64url, but of no JSON`));
    return { ...readEntry(inner, name, `entry "${name}"`, fail), name };
  });
  return { format, text: content, entries };
}

function edit(text: string, path: JSONPath, value: unknown): string {
  return applyEdits(text, modify(text, path, value, { formattingOptions: formatting(text) }));
}

/** Sets fields of one entry; `undefined` leaves a field. Everything else keeps its bytes. */
export function editEntry(
  key: string,
  document: ReferenceValuesDocument,
  at: string | number,
  fields: { readonly values?: readonly string[]; readonly expiration?: string },
): ReferenceValuesDocument {
  const change = (json: string, base: JSONPath): string => {
    const valued = fields.values === undefined ? json : edit(json, [...base, "value"], fields.values);
    return fields.expiration === undefined
      ? valued
      : edit(valued, [...base, "expiration"], fields.expiration);
  };
  if (document.format === "list") return readDocument(key, change(document.text, [at]));
  const encoded: unknown = (JSON.parse(document.text) as Readonly<Record<string, unknown>>)[at];
  const json = Buffer.from(String(encoded), "base64url").toString("utf8");
  return readDocument(key, edit(document.text, [at], encodeEntry(change(json, []))));
}

/** Appends an entry, after all others. */
export function addEntry(
  key: string,
  document: ReferenceValuesDocument,
  entry: ReferenceValue,
): ReferenceValuesDocument {
  const fields = { name: entry.name, expiration: entry.expiration, value: entry.values };
  const text =
    document.format === "list"
      ? edit(document.text, [-1], fields)
      : edit(document.text, [entry.name], encodeEntry(JSON.stringify({ version: "0.1.0", ...fields })));
  return readDocument(key, text);
}

/** Takes an entry out. */
export function removeEntry(
  key: string,
  document: ReferenceValuesDocument,
  at: string | number,
): ReferenceValuesDocument {
  return readDocument(key, edit(document.text, [at], undefined));
}
