import { byString } from "../records.ts";
import type { GrantTable, StackGrants, StackId } from "./grants.ts";
import { isOneStack } from "./identity.ts";
import { isOfStack } from "./owner.ts";
import { parseRegistry, type Before } from "./registry.ts";
import { shownName } from "./shown-name.ts";
import { recordOf, STACKS_ANNOTATION, type StackRecord } from "./stack-records.ts";

/** A text that may hold the lines of stacks that the policy has lost. */
export interface Backup {
  /** Where it is, e.g. `ConfigMap "trusteeconfig-resource-policy.v1.1"`. */
  readonly where: string;
  readonly text: string;
}

/** What is known of the stacks beside the policy. */
export interface Behind {
  /** Whether there is a KbsConfig, which holds the records. */
  readonly kept: boolean;
  readonly records: readonly StackRecord[];
  /** Who has something of its own in Trustee, by the ledgers: the URNs of resources. */
  readonly owners: readonly string[];
  readonly backups: readonly Backup[];
}

export const NOTHING_BEHIND: Behind = { kept: false, records: [], owners: [], backups: [] };

/** A stack that has its grants in the policy, as far as is known beside it, and that the policy does not name. */
export interface VanishedStack {
  /** What is put back for it by whoever writes the policy next. */
  readonly line: StackGrants;
  /** Where a line of it was found. */
  readonly backup?: string;
  /** Whether the line is as the stack left it; otherwise its secrets are restricted, and nobody reads them. */
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
 * What a record restricts, for nobody to read. Secrets of older lines alone are not among these: a record names a secret until the
 * stack has withdrawn it.
 */
function closed({ stack, identity, others, secrets }: StackRecord): StackGrants {
  const nobody = secrets.map((secret): [string, GrantTable[string]] => [secret, {}]);
  const known = identity === undefined ? {} : { identity };
  return { stack, ...known, others, secrets: Object.fromEntries(nobody) };
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
 * The stacks whose lines the live policy has lost, sorted by name. A line that cannot be read is none of these: {@link ./damage.ts}.
 * A backup alone says nothing, since its stacks may have left meanwhile: only a stack that is recorded, or, where an older release
 * kept no record of it, has something in Trustee's other objects, is missed.
 * @param live the policy that Trustee reads; `null`: it has none
 */
export function vanishedStacks(live: Before, { records, owners, backups }: Behind): readonly VanishedStack[] {
  const { stacks = [], damaged = [] } = (live === null ? undefined : parseRegistry(live)) ?? {};
  const isThere = (one: StackId): boolean =>
    damaged.some(({ stack }) => stack === one.stack) || stacks.some((line) => isOneStack(line, one));
  const found = linesIn(backups);
  const unrecorded = found
    .filter(({ line }) => !isThere(line) && !records.some((record) => isOneStack(record, line)))
    .filter(({ line }) => owners.some((owner) => isOfStack(owner, line.stack)))
    .filter(({ line }, index, all) => all.findIndex((one) => isOneStack(one.line, line)) === index)
    .map(({ line, where }): VanishedStack => ({ line, backup: where, whole: true }));
  const missed = records.filter((record) => !isThere(record)).map((record) => recorded(record, found));
  return [...missed, ...unrecorded].sort((one, other) => byString(one.line.stack, other.line.stack));
}

/** Those of other stacks: each stack puts its own line back by itself. */
export function foreignVanished(live: Before, behind: Behind, own: StackId): readonly VanishedStack[] {
  return vanishedStacks(live, behind).filter(({ line }) => !isOneStack(line, own));
}

/** e.g. `org/p/b (restricts p2-secret; its line is in ConfigMap "trusteeconfig-resource-policy.v1.1")` */
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

/** Where the second place is, for a message. */
interface RecordsPlace {
  readonly namespace: string;
  readonly kbsConfig: string;
}

/** What to do where a stack that is missed is not there any more. */
export function forgetWords(
  vanished: readonly VanishedStack[],
  { namespace, kbsConfig }: RecordsPlace,
): string {
  const backups = [...new Set(vanished.flatMap(({ backup }) => backup ?? []))];
  const removed = backups.length === 0 ? "" : `, and remove ${backups.join(" and ")}`;
  return `kubectl annotate kbsconfig ${kbsConfig} -n ${namespace} ${STACKS_ANNOTATION}-${removed}`;
}

/** What is said of stacks whose grants are gone; undefined if there are none. */
export function vanishedWarning(vanished: readonly VanishedStack[], place: RecordsPlace): string | undefined {
  if (vanished.length === 0) return undefined;
  const unread = vanished.filter(({ whole }) => !whole).map(({ line }) => shownName(line.stack));
  return [
    `The resource policy has lost the grants of other stacks: ${vanished.map(vanishedWords).join("; ")}.`,
    "Until a pulumi up, every pod that the policy lets in may read what they restricted. This up puts the restrictions back" +
      (unread.length === 0
        ? "."
        : `, without readers for ${unread.join(" and ")}: these get nothing until its own pulumi up.`),
    `If such a stack is gone for good: ${forgetWords(vanished, place)}.`,
  ].join(" ");
}
