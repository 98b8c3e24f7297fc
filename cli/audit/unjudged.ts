import { inputFields, mayHold } from "./rego-fields.ts";
import { ANY_TEE } from "../../core/policy/grants.ts";
import type { PolicyData } from "../../core/access/model.ts";
import { parseRegistry } from "../../core/policy/registry.ts";
import { shownName } from "../../core/policy/shown-name.ts";
import { readGenerated } from "./policy-text.ts";

/** Fields of a token whose values follow from the pod's TEE, its initdata, its devices and how it attests. */
const known: ReadonlySet<string> = new Set([
  ...["submods", "cpu0", "eat_profile", "ear.verifier-id", "developer", "build"],
  ...[
    "ear.status",
    "ear.appraisal-policy-id",
    "ear.trustworthiness-vector",
    "ear.veraison.annotated-evidence",
  ],
  ...["executables", "hardware", "configuration", "instance-identity", "file-system", "runtime-opaque"],
  ...["storage-opaque", "sourced-data", "init_data"],
  ...["az-snp-vtpm", "az-tdx-vtpm", "azsnpvtpm", "aztdxvtpm", "snp", "tdx", "se", "cca", "csv", "sample"],
  ...["sampledevice", "nvidia", "tpm", "pcr08", "quote", "body", "mr_config_id"],
]);

/** Devices that some question's pod has: as many as fit into one server. */
const DEVICE = /^(?:gpu[0-7]|switch[0-3])$/;

/**
 * The fields that a policy of somebody else's looks at and that no question can hold as a pod's token does: measurements, claims of
 * the firmware, and whatever else only the guest knows. What the policy answers to a question says little then.
 * @param asked one request, without the rules that compare its path with another one's by literals; absent: all requests
 */
export function unjudgedFields(policy: string, asked?: PolicyData): readonly string[] {
  if (readGenerated(policy) !== undefined || !canAllow(policy)) return [];
  // A table of this project's has such a column, whatever else somebody has edited.
  const isColumn = (name: string): boolean => name === ANY_TEE && parseRegistry(policy) !== undefined;
  return inputFields(policy, "allow", asked?.["resource-path"]).filter(
    (name) => !known.has(name) && !DEVICE.test(name) && !isColumn(name),
  );
}

/** Whether a policy has a rule by which the KBS could give anything to anybody. */
export function canAllow(policy: string): boolean {
  return mayHold(policy, "policy", "allow");
}

/** More names than these are only counted. */
const MOST_NAMES = 4;

/** Some fields in words. */
export function fieldsText(fields: readonly string[]): string {
  const shown = fields.slice(0, MOST_NAMES).map((name) => `"${shownName(name)}"`);
  const more = fields.length - shown.length;
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}
