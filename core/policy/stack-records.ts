import { sha256Hex } from "../digest.ts";
import { byString, isRecord, parseJson } from "../records.ts";
import {
  canonicalGrants,
  otherSecretsModes,
  type OtherSecrets,
  type StackGrants,
  type StackId,
} from "./grants.ts";
import { isOneStack } from "./identity.ts";

/** What is known of a stack's line in another place than the policy. */
export interface StackRecord extends StackId {
  readonly others: OtherSecrets;
  /** The secrets that its line restricts, sorted; for a moment more than these, never fewer. */
  readonly secrets: readonly string[];
  /** Tells the grants from any others: who reads what, former initdata aside. */
  readonly grants: string;
}

/**
 * The annotation of the KbsConfig that says which stacks there are in the policy. Whatever happens to the ConfigMap of the policy
 * (Red Hat's operator 1.2 deletes it), no stack's line so vanishes unseen.
 */
export const STACKS_ANNOTATION = "trustee-access/policy-stacks";

const MARK_LENGTH = 16;

export function recordOf({ stack, identity, others, secrets }: StackGrants): StackRecord {
  const known = identity === undefined ? {} : { identity };
  const grants = sha256Hex(JSON.stringify(canonicalGrants({ stack, others, secrets }))).slice(0, MARK_LENGTH);
  return { stack, ...known, others, secrets: Object.keys(secrets).sort(byString), grants };
}

function isStackRecord(value: unknown): value is StackRecord {
  return (
    isRecord(value) &&
    typeof value["stack"] === "string" &&
    ["undefined", "string"].includes(typeof value["identity"]) &&
    otherSecretsModes.some((mode) => mode === value["others"]) &&
    Array.isArray(value["secrets"]) &&
    value["secrets"].every((secret) => typeof secret === "string") &&
    typeof value["grants"] === "string"
  );
}

/** The records in an annotation. What was damaged by hand counts as none: each stack writes its own again with its next `up`. */
export function readStackRecords(annotation: string | undefined): readonly StackRecord[] {
  const records = parseJson(annotation ?? "[]");
  return Array.isArray(records) ? records.filter(isStackRecord) : [];
}

/** The annotation for these records; `null` (remove it) for none. */
export function writeStackRecords(records: readonly StackRecord[]): string | null {
  if (records.length === 0) return null;
  return JSON.stringify([...records].sort((a, b) => byString(a.stack, b.stack)));
}

/**
 * The records before a policy is written: by then each restricts what the line of its stack will, and what it does until then.
 * @param own what the stack is about to say
 * @param lines that will be in the policy: those of others that nobody has recorded are recorded too
 */
export function recordsBefore(
  records: readonly StackRecord[],
  own: StackGrants,
  lines: readonly StackGrants[],
): readonly StackRecord[] {
  const known = [own, ...records];
  const others = lines.filter((line) => !known.some((one) => isOneStack(one, line))).map(recordOf);
  const former = records.filter((record) => isOneStack(record, own));
  const next = recordOf(own);
  const secrets = [...new Set([next, ...former].flatMap((record) => record.secrets))].sort(byString);
  return [...withoutRecord(records, own), ...others, { ...next, secrets }];
}

/** The records when the policy has been written: this stack's is just what its line says. */
export function recordsAfter(records: readonly StackRecord[], line: StackGrants): readonly StackRecord[] {
  return [...withoutRecord(records, line), recordOf(line)];
}

/** The records when a stack has left. */
export function withoutRecord(records: readonly StackRecord[], own: StackId): readonly StackRecord[] {
  return records.filter((record) => !isOneStack(record, own));
}
