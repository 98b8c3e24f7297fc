import type { Node } from "jsonc-parser";

/**
 * Edits of JSON text that change only the given element. (jsonc-parser's `modify` reformats whole lines;
 * without formatting, it breaks the text when removing an array's last element.)
 */

function endOf(node: Node): number {
  return node.offset + node.length;
}

function splice(text: string, from: number, to: number, by: string): string {
  return text.slice(0, from) + by + text.slice(to);
}

/** One level of the text's indentation; two spaces if it has none. */
function indentUnit(text: string): string {
  return /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
}

/** The indentation of the line with this offset. */
function indentAt(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, offset))?.[0] ?? "";
}

function endOfLine(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

/** JSON over several lines with this indentation; in one line without `indent`. */
function render(value: unknown, text: string, indent: string | undefined): string {
  if (indent === undefined) return JSON.stringify(value);
  return JSON.stringify(value, null, indentUnit(text)).replaceAll("\n", endOfLine(text) + indent);
}

/** Replaces a node by a value. */
export function replaceNode(text: string, node: Node, value: unknown): string {
  return splice(text, node.offset, endOf(node), JSON.stringify(value));
}

/** Removes an element or property at an index, with its comma. */
export function removeElement(text: string, container: Node, at: number): string {
  const children = container.children ?? [];
  const [child, previous, next] = [children[at], children[at - 1], children[at + 1]];
  if (child === undefined) return text;
  if (previous !== undefined) return splice(text, endOf(previous), endOf(child), "");
  if (next !== undefined) return splice(text, child.offset, next.offset, "");
  return splice(text, container.offset + 1, endOf(container) - 1, "");
}

/**
 * Appends an element to an array, or with `name` a property to an object, in the layout of its neighbors. In
 * an empty container it gets its own line, unless the text is one long line.
 */
export function appendElement(text: string, container: Node, value: unknown, name?: string): string {
  const children = container.children ?? [];
  const last = children.at(-1);
  const label = (indented: boolean): string =>
    name === undefined ? "" : `${JSON.stringify(name)}:${indented ? " " : ""}`;
  if (last === undefined) {
    const isRoot = container.parent === undefined;
    const inside = [container.offset + 1, endOf(container) - 1] as const;
    if (!isRoot && !text.includes("\n")) {
      return splice(text, ...inside, label(false) + JSON.stringify(value));
    }
    const outer = indentAt(text, container.offset);
    const inner = outer + indentUnit(text);
    const eol = endOfLine(text);
    return splice(text, ...inside, `${eol}${inner}${label(true)}${render(value, text, inner)}${eol}${outer}`);
  }
  const { separator, indent } = separatorOf(text, container, last);
  return splice(
    text,
    endOf(last),
    endOf(last),
    separator + label(indent !== undefined) + render(value, text, indent),
  );
}

/** The text before an element after the last one, and the indentation of its line if it has its own line. */
function separatorOf(text: string, container: Node, last: Node): { separator: string; indent?: string } {
  const previous = container.children?.at(-2);
  const separator =
    previous === undefined
      ? `,${text.slice(container.offset + 1, last.offset)}`
      : text.slice(endOf(previous), last.offset);
  const indent = separator.includes("\n") ? /[^\n]*$/.exec(separator)?.[0] : undefined;
  return indent === undefined ? { separator } : { separator, indent };
}

/** Appends elements to a non-empty array in one pass, like repeated {@link appendElement}. */
export function appendElements(text: string, container: Node, values: readonly unknown[]): string {
  const last = container.children?.at(-1);
  if (last === undefined) throw new Error("the array is empty");
  const { separator, indent } = separatorOf(text, container, last);
  const added = values.map((value) => separator + render(value, text, indent));
  return splice(text, endOf(last), endOf(last), added.join(""));
}

/** Removes elements of an array in one pass, like repeated {@link removeElement}. */
export function keepElements(text: string, container: Node, kept: readonly boolean[]): string {
  const children = container.children ?? [];
  const first = kept.indexOf(true);
  const [start, end] = [children[0], children[first]];
  if (start === undefined || !kept.includes(false)) return text;
  if (end === undefined) return splice(text, container.offset + 1, endOf(container) - 1, "");
  const parts = [text.slice(0, start.offset), text.slice(end.offset, endOf(end))];
  for (let at = first + 1; at < children.length; at += 1) {
    const [previous, child] = [children[at - 1], children[at]];
    if (previous !== undefined && child !== undefined && kept[at] === true) {
      parts.push(text.slice(endOf(previous), endOf(child)));
    }
  }
  return parts.join("") + text.slice(endOf(children.at(-1) ?? end));
}
