import { byString, defined } from "../records.ts";
import type { GrantTable, StackGrants, StackId } from "./grants.ts";
import { isOneStack } from "./identity.ts";
import { isOfStack } from "./owner.ts";
import { parseRegistry, type Before } from "./registry.ts";
import { shownName } from "../shown.ts";
import { recordOf, STACKS_ANNOTATION, type StackRecord } from "./stack-records.ts";

/** A text that may hold lines that the policy lost. */
export interface Backup {
  /** For example `ConfigMap "trusteeconfig-resource-policy.v1.1"`. */
  readonly where: string;
  readonly text: string;
}

/** What is known about the stacks apart from the policy. */
export interface Behind {
  /** Whether there is a KbsConfig, which holds the records. */
  readonly kept: boolean;
  readonly records: readonly StackRecord[];
  /** Resources (URNs) with entries in Trustee's other objects, from the ledgers. */
  readonly owners: readonly string[];
  readonly backups: readonly Backup[];
}

export const NOTHING_BEHIND: Behind = { kept: false, records: [], owners: [], backups: [] };

/** A stack whose line the policy lost. */
export interface VanishedStack {
  /** The line to restore with the next write. */
  readonly line: StackGrants;
  /** Where a line of it was found. */
  readonly backup?: string;
  /** Whether `line` is the stack's last line. Otherwise it restricts the stack's secrets without readers. */
  readonly whole: boolean;
}

interface FoundLine {
  readonly line: StackGrants;
  readonly where: string;
}

function linesIn(backups: readonly Backup[]): readonly FoundLine[] {
  return backups.flatMap(({ where, text }) =>
    (parseRegistry(text)?.stacks ?? []).map(({ retiring: _, ...line }): FoundLine => ({ line, where })),
  );
}

/**
 * A line that restricts the recorded secrets, without readers. A record names every secret until the stack
 * withdraws it, so older lines need not be considered.
 */
function closed({ stack, identity, others, secrets }: StackRecord): StackGrants {
  const nobody = secrets.map((secret): [string, GrantTable[string]] => [secret, {}]);
  return defined({ stack, identity, others, secrets: Object.fromEntries(nobody) });
}

function recorded(record: StackRecord, found: readonly FoundLine[]): VanishedStack {
  const lines = found.filter(({ line }) => isOneStack(line, record));
  const same = lines.find(({ line }) => {
    const { grants, secrets } = recordOf(line);
    return grants === record.grants && record.secrets.every((secret) => secrets.includes(secret));
  });
  const [first] = same === undefined ? lines : [same];
  return {
    line: same?.line ?? closed(record),
    ...(first === undefined ? {} : { backup: first.where }),
    whole: same !== undefined,
  };
}

/**
 * The stacks whose lines the live policy lost, sorted by name. Damaged lines are not among them: {@link
 * ./damage.ts}. A backup proves nothing, since its stacks may have left. A stack counts as lost if it has a
 * record and is not leaving or, if an older release wrote none, has entries in Trustee's other objects.
 * @param live the policy that Trustee reads; `null`: none
 */
export function vanishedStacks(live: Before, { records, owners, backups }: Behind): readonly VanishedStack[] {
  const { stacks = [], damaged = [] } = parseRegistry(live) ?? {};
  const isThere = (one: StackId): boolean =>
    damaged.some(({ stack }) => stack === one.stack) || stacks.some((line) => isOneStack(line, one));
  const found = linesIn(backups);
  const unrecorded = found
    .filter(({ line }) => !isThere(line) && !records.some((record) => isOneStack(record, line)))
    .filter(({ line }) => owners.some((owner) => isOfStack(owner, line.stack)))
    .filter(({ line }, index, all) => all.findIndex((one) => isOneStack(one.line, line)) === index)
    .map(({ line, where }): VanishedStack => ({ line, backup: where, whole: true }));
  const missed = records
    .filter((record) => record.leaving !== true && !isThere(record))
    .map((record) => recorded(record, found));
  return [...missed, ...unrecorded].sort((one, other) => byString(one.line.stack, other.line.stack));
}

/** The lost lines of other stacks. Each stack restores its own line itself. */
export function foreignVanished(live: Before, behind: Behind, own: StackId): readonly VanishedStack[] {
  return vanishedStacks(live, behind).filter(({ line }) => !isOneStack(line, own));
}

/** For example `org/p/b (restricts p2-secret; its line is in ConfigMap "policy.v1.1")`. */
export function vanishedWords({ line, backup, whole }: VanishedStack): string {
  const secrets = Object.keys(line.secrets)
    .map((name) => shownName(name))
    .join(", ");
  const where =
    backup === undefined
      ? "there is no backup of its line"
      : whole
        ? `its line is in ${backup}`
        : `an older line of it is in ${backup}`;
  return `${shownName(line.stack)} (restricts ${secrets === "" ? "nothing" : secrets}; ${where})`;
}

/** The KbsConfig with the records, for messages. */
interface RecordsPlace {
  readonly namespace: string;
  readonly kbsConfig: string;
}

/** How to forget stacks that are gone. */
export function forgetWords(
  vanished: readonly VanishedStack[],
  { namespace, kbsConfig }: RecordsPlace,
): string {
  const backups = [...new Set(vanished.flatMap(({ backup }) => backup ?? []))];
  const removed = backups.length === 0 ? "" : `, and remove ${backups.join(" and ")}`;
  return `kubectl annotate kbsconfig ${kbsConfig} -n ${namespace} ${STACKS_ANNOTATION}-${removed}`;
}

/** The warning about lost lines; undefined if there are none. */
export function vanishedWarning(vanished: readonly VanishedStack[], place: RecordsPlace): string | undefined {
  if (vanished.length === 0) return undefined;
  const unread = vanished.filter(({ whole }) => !whole).map(({ line }) => shownName(line.stack));
  return [
    `The resource policy has lost the grants of other stacks: ${vanished.map(vanishedWords).join("; ")}.`,
    "Until the next pulumi up, every pod that the policy allows can read the secrets of these stacks. This up restricts them again" +
      (unread.length === 0
        ? "."
        : `, but nobody can read the secrets of ${unread.join(" and ")} until pulumi up of ${unread.length === 1 ? "that stack" : "each of them"}.`),
    `If such a stack no longer exists: ${forgetWords(vanished, place)}.`,
  ].join(" ");
}
