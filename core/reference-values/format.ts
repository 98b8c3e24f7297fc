import { generationFacts } from "../trustee/generation.ts";

/** How a ConfigMap's key holds the reference values: a list of entries, or a map of encoded ones. */
export type ReferenceValuesFormat = "list" | "map";

/** The format that belongs to a key of the ConfigMap; each operator generation mounts one key and reads one format. */
export function formatOfKey(key: string): ReferenceValuesFormat {
  return key === generationFacts["0.21"].referenceValuesKey ? "map" : "list";
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

  constructor(key: string, problem: string, cannot: "read" | "take" = "read") {
    const place = `The reference values under the key "${key}"`;
    const wanted =
      formatOfKey(key) === "list"
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
