import { z } from "zod";
import { sha256Hex } from "../digest.ts";
import { byString, defined, parseJson } from "../records.ts";
import {
  canonicalGrants,
  otherSecretsModes,
  type OtherSecrets,
  type StackGrants,
  type StackId,
} from "./grants.ts";
import { isOneStack } from "./identity.ts";

/** What is recorded about a stack's line outside the policy. */
export interface StackRecord extends StackId {
  readonly others: OtherSecrets;
  /** The secrets that its line restricts, sorted. Temporarily more than these, never fewer. */
  readonly secrets: readonly string[];
  /** A hash of who reads what, without previous digests. */
  readonly grants: string;
  /** The stack is about to remove its line: nobody restores it. @default it stays */
  readonly leaving?: true;
}

/**
 * The KbsConfig annotation that lists the stacks in the policy. A line that disappears with the policy's
 * ConfigMap (Red Hat's operator 1.2 deletes it) is noticed by this list.
 */
export const STACKS_ANNOTATION = "trustee-access/policy-stacks";

const MARK_LENGTH = 16;

export function recordOf({ stack, identity, others, secrets }: StackGrants): StackRecord {
  const grants = sha256Hex(JSON.stringify(canonicalGrants({ stack, others, secrets }))).slice(0, MARK_LENGTH);
  return defined({ stack, identity, others, secrets: Object.keys(secrets).sort(byString), grants });
}

const recordSchema = z.object({
  stack: z.string(),
  identity: z.string().optional(),
  others: z.enum(otherSecretsModes),
  secrets: z.array(z.string()),
  grants: z.string(),
  leaving: z.literal(true).optional(),
});

function isStackRecord(value: unknown): value is StackRecord {
  return recordSchema.safeParse(value).success;
}

/** The records in an annotation. A damaged one counts as empty: each `up` writes its own record. */
export function readStackRecords(annotation: string | undefined): readonly StackRecord[] {
  const records = parseJson(annotation ?? "[]");
  return Array.isArray(records) ? records.filter(isStackRecord) : [];
}

/** The annotation for these records; `null` (remove it) if there are none. */
export function writeStackRecords(records: readonly StackRecord[]): string | null {
  if (records.length === 0) return null;
  return JSON.stringify([...records].sort((a, b) => byString(a.stack, b.stack)));
}

/**
 * The records to write before the policy. Each covers what its stack's line restricts now and what it will
 * restrict.
 * @param own the stack's new grants
 * @param lines the lines of the new policy. Other stacks' lines without a record get one.
 */
export function recordsBefore(
  records: readonly StackRecord[],
  own: StackGrants,
  lines: readonly StackGrants[],
): readonly StackRecord[] {
  const known = [own, ...records];
  const others = lines.filter((line) => !known.some((one) => isOneStack(one, line))).map(recordOf);
  const previous = records.filter((record) => isOneStack(record, own));
  const next = recordOf(own);
  const secrets = [...new Set([next, ...previous].flatMap((record) => record.secrets))].sort(byString);
  return [...withoutRecord(records, own), ...others, { ...next, secrets }];
}

/** The records to write after the policy: this stack's matches its line exactly. */
export function recordsAfter(records: readonly StackRecord[], line: StackGrants): readonly StackRecord[] {
  return [...withoutRecord(records, line), recordOf(line)];
}

/**
 * The records to write before a stack removes its line. Until the line is gone, another stack that writes
 * sees the mark, and neither restores the line nor records it again.
 */
export function recordsLeaving(
  records: readonly StackRecord[],
  own: StackId,
  line: StackGrants | undefined,
): readonly StackRecord[] {
  const found = records.find((record) => isOneStack(record, own));
  const record = found ?? (line === undefined ? undefined : recordOf(line));
  return [
    ...withoutRecord(records, own),
    ...(record === undefined ? [] : [{ ...record, leaving: true as const }]),
  ];
}

/** The records after a stack has left. */
export function withoutRecord(records: readonly StackRecord[], own: StackId): readonly StackRecord[] {
  return records.filter((record) => !isOneStack(record, own));
}
