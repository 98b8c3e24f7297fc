import { knownKeys } from "../trustee/generation.ts";

/** How a ConfigMap's key holds the reference values: a list of entries, or a map of encoded ones. */
export type ReferenceValuesFormat = "list" | "map";

/** The format of a known key, which is what its KBS reads; of any other one the content says it. */
export function formatOf(key: string, text: string | null): ReferenceValuesFormat {
  const [map, list] = knownKeys.referenceValues;
  if (key === map) return "map";
  return key !== list && text?.trimStart().startsWith("{") === true ? "map" : "list";
}

/** One reference value, in either format. */
export interface ReferenceValue {
  readonly name: string;
  /** `%Y-%m-%dT%H:%M:%SZ`; the RVPS requires it, but does not look whether it is over (from KBS v0.16 on). */
  readonly expiration: string;
  /** The accepted values; one that is no list stands here as a list of one, and what is no text as its JSON. */
  readonly values: readonly string[];
}

/** The text under the key is not what its generation's RVPS reads, or an entry cannot take digests. Nothing is written then. */
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
        ? `${place} cannot take digests: ${problem}. Nothing was written; make its value a list by hand, or take the entry out, then run again.`
        : `${place} cannot be read: ${problem}. Trustee reads ${wanted} there. ` +
            "Nothing was written; correct the ConfigMap by hand (an empty one is restored by the operator's default), then run again.",
    );
  }
}
