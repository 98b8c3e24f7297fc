import { generationFacts } from "../trustee/generation.ts";

/** How a ConfigMap's key holds the reference values: see {@link ./list.ts} and {@link ./map.ts}. */
export type ReferenceValuesFormat = "list" | "map";

/** The format that belongs to a key of the ConfigMap; each operator generation mounts one key and reads one format. */
export function formatOfKey(key: string): ReferenceValuesFormat {
  return key === generationFacts["0.21"].referenceValuesKey ? "map" : "list";
}

/** One reference value, in either format. */
export interface ReferenceValue {
  readonly name: string;
  /** `%Y-%m-%dT%H:%M:%SZ`; required by the RVPS, an expired entry matches nothing. */
  readonly expiration: string;
  /** The accepted values; a lone string in the file stands here as a list of one. */
  readonly values: readonly string[];
}

/** The text under the key is not what its generation's RVPS reads. Nothing is written then. */
export class ReferenceValuesFormatError extends Error {
  override readonly name = "ReferenceValuesFormatError";

  constructor(key: string, problem: string) {
    const wanted =
      formatOfKey(key) === "list"
        ? 'a JSON list of {"name", "expiration", "value": [..]}'
        : 'a JSON object of name -> base64url of JSON {"version", "name", "expiration", "value": [..]}';
    super(
      `The reference values under the key "${key}" cannot be read: ${problem}. Trustee reads ${wanted} there. ` +
        "Nothing was written; correct the ConfigMap by hand (an empty one is restored by the operator's default), then run again.",
    );
  }
}
