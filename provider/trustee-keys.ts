import { type Issues, textOf } from "../core/issues.ts";
import { readDocument } from "../core/reference-values/document.ts";
import { formatOf } from "../core/trustee/format.ts";
import { defined } from "../core/records.ts";
import { generationFacts, knownKeys, liveKey, type Generation } from "../core/trustee/generation.ts";
import { resolveKeys, type Names, type Seen, type TrusteeKeys } from "../core/trustee/seen.ts";
import { contentOf, type ConfigMap } from "./config-map.ts";

/** The two live ConfigMaps; undefined if missing, which is reported elsewhere. */
export interface Maps {
  readonly policy: ConfigMap | undefined;
  readonly values: ConfigMap | undefined;
}

/** The keys in the settings, for a Trustee that does not show which keys it reads. */
export interface KeySettings {
  readonly policyKey?: string | undefined;
  readonly referenceValuesKey?: string | undefined;
  /** Sets both keys; from an older release. */
  readonly generation?: Generation | undefined;
  /** The Deployment, for messages. */
  readonly deployment?: string | undefined;
}

function settingsOf({ policyKey, referenceValuesKey, generation }: KeySettings): Partial<TrusteeKeys> {
  return { ...(generation && generationFacts[generation]), ...defined({ policyKey, referenceValuesKey }) };
}

const APPLY =
  "Let the Trustee operator apply the KbsConfig to the Deployment (its log says what stops it), name the ConfigMap in the KbsConfig, or correct trustee.kbsConfig or trustee.deployment.";

/** Adds an issue for a ConfigMap that the KBS does not read: what is written there would restrict nothing. */
function checkMounted(
  { mountedInstead = {}, isPolicyUnread }: Seen,
  names: Names,
  deployment: string | undefined,
  issues: Issues,
): void {
  const what = { policy: "resource policy", referenceValues: "reference values" } as const;
  for (const map of ["policy", "referenceValues"] as const) {
    const instead = mountedInstead[map];
    if (instead === undefined) continue;
    issues.add({
      code: "TA810",
      path: `ConfigMap "${names[map]}"`,
      given: `the KbsConfig's ConfigMap for the ${what[map]}, but Deployment "${deployment ?? ""}" mounts "${instead}" instead: it is unknown which of them the KBS reads`,
      allowed: `the ConfigMap that the Deployment mounts for the ${what[map]}`,
      fix: APPLY,
    });
  }
  if (isPolicyUnread !== true || mountedInstead.policy !== undefined) return;
  issues.add({
    code: "TA810",
    path: `ConfigMap "${names.policy}"`,
    given: `the KbsConfig's ConfigMap for the resource policy, but Deployment "${deployment ?? ""}" does not mount it where the KBS reads its policy: what is written there restricts nothing`,
    allowed:
      "the ConfigMap with the file that policy_path or storage_backend of the KBS's configuration names",
    fix: APPLY,
  });
}

/** The keys that Trustee reads. For an unknown one: an issue, and the newest known key. */
export function trusteeKeys(
  seen: Seen,
  names: Names,
  maps: Maps,
  settings: KeySettings,
  issues: Issues,
): TrusteeKeys {
  const data = { policy: maps.policy?.data, referenceValues: maps.values?.data };
  const found = resolveKeys(seen, data, settingsOf(settings));
  checkMounted(seen, names, settings.deployment, issues);
  const need = (path: string, name: string, known: readonly string[]): void => {
    issues.add({
      code: "TA810",
      path,
      given: `nothing, and it is unknown which key of ConfigMap "${name}" Trustee reads: the Deployment does not show it, and it has none of the known keys`,
      allowed: known.map((key) => `"${key}"`).join(", ") + ", or another key that the KBS reads",
      fix: "Set it, or let the Trustee operator recreate the ConfigMap and the Deployment.",
    });
  };
  const { policy, referenceValues } = seen.mountedInstead ?? {};
  const isUnread = policy !== undefined || seen.isPolicyUnread === true;
  if (found.policyKey === undefined && maps.policy !== undefined && !isUnread)
    need("trustee.policyKey", names.policy, knownKeys.policy);
  if (found.referenceValuesKey === undefined && maps.values !== undefined && referenceValues === undefined)
    need("trustee.referenceValuesKey", names.referenceValues, knownKeys.referenceValues);
  return {
    policyKey: found.policyKey ?? knownKeys.policy[0],
    referenceValuesKey: found.referenceValuesKey ?? knownKeys.referenceValues[0],
  };
}

/** Adds an issue for reference values that Trustee cannot parse: it would not find ours among them. */
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
      code: "TA811",
      path: `ConfigMap "${configMap}"`,
      given: text,
      allowed: "what this Trustee can read",
      fix: "Fix it by hand, and keep its content: without its values, other pods may not attest.",
    });
  };
  try {
    readDocument(key, content);
  } catch (error) {
    problem(textOf(error));
    return;
  }
  // For an unknown key, only the content shows the format.
  if (format !== undefined && formatOf(key, content) !== format)
    problem(
      `the key "${key}" without ${format === "map" ? "a JSON object" : "a JSON list"}, which this Trustee reads; an empty one is ${format === "map" ? "{}" : "[]"}`,
    );
}

/** Warns about a setting that contradicts the key that Trustee is seen to read. */
export function settingWarnings(seen: Seen, settings: KeySettings): readonly string[] {
  const said = settingsOf(settings);
  return (["policyKey", "referenceValuesKey"] as const).flatMap((fact) => {
    const [read, set] = [seen[fact], said[fact]];
    if (read === undefined || set === undefined || read === set) return [];
    const path = settings[fact] !== undefined ? `trustee.${fact}` : "trustee.generation";
    return [
      `${path}: this Trustee reads the key "${read}", and not "${set}". This stack writes "${read}". Remove the setting.`,
    ];
  });
}

/** Warns about a key that only another Trustee reads, if the key that this one reads is missing. */
export function unreadWarnings(names: Names, maps: Maps, keys: TrusteeKeys): readonly string[] {
  const of = (map: ConfigMap | undefined, name: string, key: string, known: readonly string[]): string[] => {
    const other = liveKey(map?.data, known);
    if (map === undefined || contentOf(map, key) !== null || other === undefined) return [];
    return [
      `ConfigMap "${name}" has no key "${key}", which this Trustee reads; it has "${other}", which it does not read. ` +
        `Copy what it holds under "${key}", in the format that this Trustee reads, if it is still needed.`,
    ];
  };
  return [
    ...of(maps.policy, names.policy, keys.policyKey, knownKeys.policy),
    ...of(maps.values, names.referenceValues, keys.referenceValuesKey, knownKeys.referenceValues),
  ];
}
