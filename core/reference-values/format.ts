import { knownKeys } from "../trustee/generation.ts";

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

/** The RVPS cannot read the key's text, or an entry cannot hold digests. Nothing is written. */
export class ReferenceValuesFormatError extends Error {
  override readonly name = "ReferenceValuesFormatError";

  constructor(key: string, format: ReferenceValuesFormat, problem: string, cannot: "read" | "take" = "read") {
    const place = `The reference values under the key "${key}"`;
    const wanted =
      format === "list"
        ? 'a JSON list of {"name", "expiration", "value"}'
        : 'a JSON object of name -> base64url of JSON {"version", "name", "expiration", "value"}';
    super(
      cannot === "take"
        ? `${place} cannot hold digests: ${problem}. Nothing was written; make its value a list by hand, or remove the entry, then run again.`
        : `${place} cannot be read: ${problem}. Trustee reads ${wanted} there. ` +
            "Nothing was written; correct the ConfigMap by hand (an empty one is restored by the operator's default), then run again.",
    );
  }
}
