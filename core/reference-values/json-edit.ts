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

/**
 * Appends elements to an array, or with `name` a property to an object, in the layout of their neighbors. In
 * an empty container each gets its own line, unless the text is one long line.
 */
export function appendElements(
  text: string,
  container: Node,
  values: readonly unknown[],
  name?: string,
): string {
  if (values.length === 0) return text;
  const [last, previous] = [container.children?.at(-1), container.children?.at(-2)];
  const rendered = (indent: string | undefined): readonly string[] => {
    const label = name === undefined ? "" : `${JSON.stringify(name)}:${indent === undefined ? "" : " "}`;
    return values.map((value) => label + render(value, text, indent));
  };
  if (last === undefined) {
    const inside = [container.offset + 1, endOf(container) - 1] as const;
    if (container.parent !== undefined && !text.includes("\n")) {
      return splice(text, ...inside, rendered(undefined).join(","));
    }
    const outer = endOfLine(text) + indentAt(text, container.offset);
    const inner = outer + indentUnit(text);
    const indent = inner.slice(endOfLine(text).length);
    return splice(text, ...inside, inner + rendered(indent).join(`,${inner}`) + outer);
  }
  // The text before an element, and the indentation of its line if it has its own line.
  const separator =
    previous === undefined
      ? `,${text.slice(container.offset + 1, last.offset)}`
      : text.slice(endOf(previous), last.offset);
  const indent = separator.includes("\n") ? /[^\n]*$/.exec(separator)?.[0] : undefined;
  const added = rendered(indent).map((one) => separator + one);
  return splice(text, endOf(last), endOf(last), added.join(""));
}

/** Removes an element or property at an index, with its comma. */
export function removeElement(text: string, container: Node, at: number): string {
  return keepElements(
    text,
    container,
    (container.children ?? []).map((_, index) => index !== at),
  );
}

/** Removes the other elements or properties of a container, with their commas. */
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
