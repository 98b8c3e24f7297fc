import { knownKeys } from "./generation.ts";
import { UserError } from "../issues.ts";

/** The format of a key's reference values: a list of entries, or a map of encoded ones. */
export type ReferenceValuesFormat = "list" | "map";

/** The format of a known key, which its KBS reads; for other keys, that of the content. */
export function formatOf(key: string, text: string | null): ReferenceValuesFormat {
  const [map, list] = knownKeys.referenceValues;
  if (key === map) return "map";
  return key !== list && text?.trimStart().startsWith("{") === true ? "map" : "list";
}

/** A reference value, in either format. */
export interface ReferenceValue {
  readonly name: string;
  /** `%Y-%m-%dT%H:%M:%SZ`. Required by the RVPS, but not enforced from KBS v0.16 on. */
  readonly expiration: string;
  /** The accepted values. A single one becomes a list; one that is not a text becomes its JSON. */
  readonly values: readonly string[];
}

/** The error for a key whose text the RVPS cannot read. Nothing is written. */
export function unreadable(key: string, format: ReferenceValuesFormat, problem: string): UserError {
  const wanted =
    format === "list"
      ? 'a JSON list of {"name", "expiration", "value"}'
      : 'a JSON object of name -> base64url of JSON {"version", "name", "expiration", "value"}';
  return new UserError(
    "TA811",
    `The reference values under the key "${key}" cannot be read: ${problem}. Trustee reads ${wanted} there. ` +
      "Nothing was written; correct the ConfigMap by hand, then run again.",
  );
}
