/** Names of Kubernetes and Pulumi, and digests, need no other character. Escapes stay as they are. */
const NAME = /\\u\{[0-9a-f]+\}|[^\w.*/@:+ ()-]/gu;
/** Characters that are invisible, break a line, or control a terminal or the text direction. */
const UNSEEN = /\p{C}|(?! )\p{Z}/gu;
const LONGEST = 120;

function escaped(text: string): string {
  return text.startsWith("\\u{") ? text : `\\u{${(text.codePointAt(0) ?? 0).toString(16)}}`;
}

/**
 * Makes a foreign name (from a policy, a ConfigMap, a KbsConfig) safe for a message: it cannot break a line,
 * control a terminal or act as markup. Idempotent.
 * @param longest maximum length. @default 120
 */
export function shownName(name: string, longest = LONGEST): string {
  const plain = name.slice(0, 2 * longest).replace(NAME, escaped);
  return plain.length > longest ? `${plain.slice(0, longest)}...` : plain;
}

/** Makes a quoted line safe: nothing in it breaks the line, controls a terminal or is invisible. */
export function shownLine(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/** The same for several lines. */
export function shownText(text: string): string {
  return text.split("\n").map(shownLine).join("\n");
}

/** A value with {@link shownLine} applied to every text in it. */
export function shownLines<Value>(value: Value): Value {
  const shown = (one: unknown): unknown => {
    if (typeof one === "string") return shownLine(one);
    if (Array.isArray(one)) return one.map(shown);
    if (typeof one !== "object" || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([name, inner]) => [name, shown(inner)]));
  };
  return shown(value) as Value;
}

/** JSON with the same texts, but safe to print to a terminal. */
export function shownJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(UNSEEN, (character) =>
    character === "\n"
      ? character
      : Array.from(
          { length: character.length },
          (_, at) => String.raw`\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
        ).join(""),
  );
}

/** A number and what it counts: `1 pod`, `1,200 pods`. */
export function counted(count: number, thing: string, things = `${thing}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? thing : things}`;
}
