import { readDocument } from "../reference-values/document.ts";
import type { Before } from "../policy/registry.ts";

/**
 * A warning for each entry that holds a value more than once, as a second run of the tutorial's commands leaves it. Harmless to
 * the RVPS; whoever put them there has to take them out.
 */
export function duplicateWarnings(key: string, text: Before): readonly string[] {
  return readDocument(key, text).entries.flatMap(({ name, values }) => {
    const doubled = new Set(values.filter((value, index) => values.indexOf(value) !== index));
    if (doubled.size === 0) return [];
    const which = [...doubled].map((value) => `${value.slice(0, 12)}...`).join(", ");
    return [
      `reference values: the entry ${name} holds ${doubled.size === 1 ? "a value" : `${doubled.size} values`} more than once (${which}), put there by hand. Nothing is lost by taking the doubles out.`,
    ];
  });
}
