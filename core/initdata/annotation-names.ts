import { shownName } from "../shown.ts";
import { INITDATA_ANNOTATION } from "./annotation.ts";

/** The name up to cloud-api-adaptor v0.12. Current runtimes ignore it. */
const FORMER_ANNOTATION = "io.katacontainers.config.runtime.cc_init_data";

/** The last part of the name, in the form that is compared. */
const LAST = "ccinitdata";

/** The maximum edit distance. */
const MOST_WRONG = 2;

/** The edit distance. Both texts are short. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of Array.from(one).entries()) {
    const next = [at + 1];
    for (let index = 0; index < other.length; index += 1) {
      const change = (row[index] ?? 0) + (letter === other[index] ? 0 : 1);
      next.push(Math.min(change, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

function isNearly(name: string): boolean {
  const last = name
    .slice(Math.max(name.lastIndexOf("."), name.lastIndexOf("/")) + 1)
    .replaceAll(/[_-]/g, "")
    .toLowerCase();
  return last.length <= LAST.length + MOST_WRONG && distance(last, LAST) <= MOST_WRONG;
}

/** Annotations that look like the initdata annotation: its former name, or a misspelling. */
export function strayNames(annotations: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(annotations)
    .filter((name) => name !== INITDATA_ANNOTATION && isNearly(name))
    .sort();
}

/** For example `io... is the former name of the initdata annotation, ...`. */
export function strayWords(name: string): string {
  const what =
    name === FORMER_ANNOTATION
      ? "is the former name of the initdata annotation, which only old runtimes read"
      : "is not the name of the initdata annotation, so no runtime reads it";
  return `${shownName(name, 317)} ${what}`;
}

/** Whether a value has line breaks, as `base64` without `-w0` adds them. */
export function isBroken(value: string): boolean {
  return /[\r\n]/.test(value);
}

export const BROKEN_WORDS =
  "has line breaks: Kata's Go runtime accepts them, its Rust runtime (runtime-rs) does not";
