import { inputFields, mayHold, neededRules } from "./rego-fields.ts";
import type { TokenShape } from "./rego-terms.ts";
import { wholeReads } from "./rego-whole-reads.ts";
import { ANY_TEE } from "../../core/policy/grants.ts";
import { submod } from "../../core/access/token.ts";
import type { PolicyData } from "../../core/access/model.ts";
import { parseRegistry } from "../../core/policy/registry.ts";
import { regoStatements } from "../../core/rego/rules.ts";
import { shownName } from "../../core/shown.ts";
import { readGenerated } from "./policy-text.ts";

const tees = [
  ...["az-snp-vtpm", "az-tdx-vtpm", "azsnpvtpm", "aztdxvtpm", "snp", "tdx", "se", "cca", "csv", "sample"],
  ...["sampledevice", "nvidia"],
];

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
  ...tees,
  ...["tpm", "pcr08", "quote", "body", "mr_config_id"],
]);

function fieldsIn(value: unknown): readonly (readonly [string, unknown])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => [
    ...(Array.isArray(value) ? [] : [[key, one] as const]),
    ...fieldsIn(one),
  ]);
}

const fieldsOfTokens = tees.flatMap((tee) => fieldsIn(submod("affirming", "", tee)));

/** Fields of real tokens that are empty or examples in questions: `init_data_claims`, measurements. */
const examples: ReadonlySet<string> = new Set(
  fieldsOfTokens.filter(([key]) => !known.has(key)).map(([key]) => key),
);

/** The devices of pods in questions: as many as fit into one server. */
const DEVICE = /^(?:gpu[0-7]|switch[0-3])$/;

const objects = new Set([
  ...["input", "submods", "cpu0"],
  ...fieldsOfTokens.filter(([, value]) => typeof value === "object" && value !== null).map(([key]) => key),
]);

const tokenShape: TokenShape = {
  isObject: (field) => objects.has(field) || DEVICE.test(field),
  alike: new Map([
    ["submods", "cpu0"],
    ["ear.trustworthiness-vector", "executables"],
  ]),
};

/** The fields for one request or, by default, for all. For one request, rules for other literal paths are left out. */
export type UnjudgedFor = (asked?: PolicyData) => readonly string[];

/**
 * The fields that a foreign policy reads and that only a real token holds: the content of the initdata,
 * measurements, claims of the firmware. If there are any, the policy's answers to questions prove nothing. The
 * policy is parsed once for all requests.
 */
export function unjudgedIn(policy: string): UnjudgedFor {
  if (readGenerated(policy) !== undefined || !canAllow(policy)) return () => [];
  const statements = regoStatements(policy);
  // An edited policy of this project still has a table with such a column.
  const hasColumn = parseRegistry(policy) !== undefined;
  return (asked) => {
    const needed = neededRules(statements, "allow", asked?.["resource-path"]);
    const fields = [...inputFields(needed, examples), ...wholeReads(needed, tokenShape)];
    return [...new Set(fields)].filter(
      (name) => !known.has(name) && !DEVICE.test(name) && !(hasColumn && name === ANY_TEE),
    );
  };
}

/** The fields of {@link unjudgedIn}, for one request or for all. */
export function unjudgedFields(policy: string, asked?: PolicyData): readonly string[] {
  return unjudgedIn(policy)(asked);
}

/** Whether a policy has a rule that can allow a request. */
export function canAllow(policy: string): boolean {
  return mayHold(policy, "policy", "allow");
}

/** More names than these are only counted. */
const MOST_NAMES = 4;

/** The text after "The": the policy could not be judged because of these fields. */
export function unjudgedText(fields: readonly string[]): string {
  const shown = fields.slice(0, MOST_NAMES).map((name) => `"${shownName(name)}"`);
  const more = fields.length - shown.length;
  const names = more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
  return `policy could not be fully judged: it uses ${names}, whose values only a pod's own evidence has`;
}

export const REVIEW_UNJUDGED =
  "Review these conditions by hand, and try from a pod: npx trustee-access verify.";

export function installOpa(command: "lint" | "explain"): string {
  return `Install OPA and run ${command} again.`;
}
