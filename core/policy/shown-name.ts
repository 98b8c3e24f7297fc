/** No name of Kubernetes or of Pulumi needs another character; a digest is written with these too. What was escaped stays so. */
const NAME = /\\u\{[0-9a-f]+\}|[^\w.*/@:+ ()-]/gu;
/** What steers a terminal, breaks a line, turns a text round or cannot be seen; and halves of characters. */
const UNSEEN = /\p{C}|(?! )\p{Z}/gu;
const LONGEST = 120;

function escaped(text: string): string {
  return text.startsWith("\\u{") ? text : `\\u{${(text.codePointAt(0) ?? 0).toString(16)}}`;
}

/**
 * A name that somebody else chose (out of a policy, a ConfigMap, a KbsConfig), for a message: such a name may hold anything, and
 * must not be able to break a line, to steer a terminal, or to be markup. What was shown so before stays as it is.
 * @param longest how many characters of it are shown. @default 120
 */
export function shownName(name: string, longest = LONGEST): string {
  const plain = name.slice(0, 2 * longest).replace(NAME, escaped);
  return plain.length > longest ? `${plain.slice(0, longest)}...` : plain;
}

/** A line of a message that quotes what somebody else wrote: nothing in it breaks the line, steers a terminal or is invisible. */
export function shownLine(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/** Lines of messages that do. */
export function shownText(text: string): string {
  return text.split("\n").map(shownLine).join("\n");
}

/** A value of texts, each of them a line as {@link shownLine} has it. */
export function shownLines<Value>(value: Value): Value {
  const shown = (one: unknown): unknown => {
    if (typeof one === "string") return shownLine(one);
    if (Array.isArray(one)) return one.map(shown);
    if (typeof one !== "object" || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([name, inner]) => [name, shown(inner)]));
  };
  return shown(value) as Value;
}

/** JSON whose texts are the same, and which steers no terminal either. */
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
