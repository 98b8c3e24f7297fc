import type { Issues } from "../core/issues.ts";
import { readDocument } from "../core/reference-values/document.ts";
import { formatOf } from "../core/reference-values/format.ts";
import { messageOf } from "../core/records.ts";
import { generationFacts, knownKeys, liveKey, type Generation } from "../core/trustee/generation.ts";
import { resolveKeys, type Names, type Seen, type TrusteeKeys } from "../core/trustee/seen.ts";
import { contentOf, type ConfigMap } from "./config-map.ts";

/** The two ConfigMaps as they are; undefined: there is none, which is a problem of its own. */
export interface Maps {
  readonly policy: ConfigMap | undefined;
  readonly values: ConfigMap | undefined;
}

/** What the settings say of the keys, for where it cannot be seen. */
export interface KeySettings {
  readonly policyKey?: string | null | undefined;
  readonly referenceValuesKey?: string | null | undefined;
  /** Both at once, as an older release had it. */
  readonly generation?: Generation | null | undefined;
}

function given<Text extends string>(text: Text | null | undefined): text is Text {
  return typeof text === "string";
}

function settingsOf({ policyKey, referenceValuesKey, generation }: KeySettings): Partial<TrusteeKeys> {
  return {
    ...(given(generation) ? generationFacts[generation] : {}),
    ...(given(policyKey) ? { policyKey } : {}),
    ...(given(referenceValuesKey) ? { referenceValuesKey } : {}),
  };
}

/** The keys that Trustee reads. One that nothing tells is the newest known one, beside an issue. */
export function trusteeKeys(
  seen: Seen,
  names: Names,
  maps: Maps,
  settings: KeySettings,
  issues: Issues,
): TrusteeKeys {
  const data = { policy: maps.policy?.data, referenceValues: maps.values?.data };
  const found = resolveKeys(seen, data, settingsOf(settings));
  const need = (path: string, name: string, known: readonly string[]): void => {
    issues.add({
      path,
      given: `nothing, and it cannot be seen which key of ConfigMap "${name}" Trustee reads: the Deployment does not mount it, and it has none of the known keys`,
      allowed: known.map((key) => `"${key}"`).join(", ") + ", or another key that the KBS reads",
      fix: "Set it, or let the Trustee operator make the ConfigMap and the Deployment anew.",
    });
  };
  if (found.policyKey === undefined && maps.policy !== undefined)
    need("trustee.policyKey", names.policy, knownKeys.policy);
  if (found.referenceValuesKey === undefined && maps.values !== undefined)
    need("trustee.referenceValuesKey", names.referenceValues, knownKeys.referenceValues);
  return {
    policyKey: found.policyKey ?? knownKeys.policy[0],
    referenceValuesKey: found.referenceValuesKey ?? knownKeys.referenceValues[0],
  };
}

/** An issue for reference values that Trustee cannot read, so that none of ours can stand among them. */
export function checkReferenceValues(
  map: ConfigMap,
  key: string,
  seen: Seen,
  configMap: string,
  issues: Issues,
): void {
  const content = contentOf(map, key);
  const { referenceValuesFormat: format } = seen;
  const problem = (text: string): void => {
    issues.add({
      path: `ConfigMap "${configMap}"`,
      given: text,
      allowed: "what this Trustee can read",
      fix: "Correct it by hand, and keep what is in it: without its values, other pods may not attest.",
    });
  };
  try {
    readDocument(key, content);
  } catch (error) {
    problem(messageOf(error));
    return;
  }
  // Of a key that is not a known one, its content alone says how it is written.
  if (format !== undefined && formatOf(key, content) !== format)
    problem(
      `the key "${key}", which does not hold ${format === "map" ? "a JSON object" : "a JSON list"}, as this Trustee reads it; an empty one is ${format === "map" ? "{}" : "[]"}`,
    );
}

/** A warning for a setting that says another key than the one that is seen to be read. */
export function settingWarnings(seen: Seen, settings: KeySettings): readonly string[] {
  const said = settingsOf(settings);
  return (["policyKey", "referenceValuesKey"] as const).flatMap((fact) => {
    const [read, set] = [seen[fact], said[fact]];
    if (read === undefined || set === undefined || read === set) return [];
    const path = given(settings[fact]) ? `trustee.${fact}` : "trustee.generation";
    return [
      `${path}: this Trustee reads the key "${read}", and not "${set}". "${read}" is written; remove the setting.`,
    ];
  });
}

/** A warning for a key that another Trustee reads, beside one that this Trustee reads and does not find. */
export function unreadWarnings(names: Names, maps: Maps, keys: TrusteeKeys): readonly string[] {
  const of = (map: ConfigMap | undefined, name: string, key: string, known: readonly string[]): string[] => {
    const other = liveKey(map?.data, known);
    if (map === undefined || contentOf(map, key) !== null || other === undefined) return [];
    return [
      `ConfigMap "${name}" has no key "${key}", which this Trustee reads; it has "${other}", which it does not read. ` +
        `Copy what it holds under "${key}", in the form that this Trustee reads, unless nobody needs it.`,
    ];
  };
  return [
    ...of(maps.policy, names.policy, keys.policyKey, knownKeys.policy),
    ...of(maps.values, names.referenceValues, keys.referenceValuesKey, knownKeys.referenceValues),
  ];
}
