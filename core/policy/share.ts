import { staysAccepted, type Rotation } from "./rotation.ts";
import { foreignDamage, refuseDamage } from "./damage.ts";
import { own as member } from "../records.ts";
import {
  EVERY_KEY,
  listGrants,
  listReaders,
  readerNames,
  tableOf,
  type Grant,
  type GrantTable,
  type Readers,
  type StackGrants,
} from "./grants.ts";
import { idOf, isOneStack, isSameStack, type Who } from "./identity.ts";
import { isIntact } from "./intact.ts";
import { parseRegistry, type Before } from "./registry.ts";
import { renderPolicy } from "./render.ts";

/** What to do with the policy when a stack leaves. */
export type Withdrawal =
  /** Write this text: other stacks stay in it. */
  | { readonly kind: "write"; readonly content: string }
  /** Restore the original text; `null`: remove the key. */
  | { readonly kind: "restore"; readonly content: Before }
  /** Another resource of the stack took over the grants: remove nothing. */
  | { readonly kind: "handed-over" }
  /** Another client wrote the policy since: leave it as it is. */
  | { readonly kind: "leave"; readonly reason: string };

/** What decides which previous digests stay accepted. */
export interface PreviousGrants {
  readonly rotation: Rotation;
  /** The stack's last declaration. @default nothing */
  readonly declared?: GrantTable;
}

/**
 * The lines of the policy after `own` joins it: the other stacks' readable live lines ({@link ./damage.ts}
 * lists the damaged ones), restored lines, and its own.
 * @param vanished lines that the live text lost: {@link ./vanished.ts}
 */
export function stacksAfterJoin(
  live: Before,
  own: StackGrants,
  vanished: readonly StackGrants[] = [],
): readonly StackGrants[] {
  const lines = [...(parseRegistry(live)?.stacks ?? []), ...vanished];
  return [...lines.filter((line) => !isOneStack(line, own)), own];
}

/** A stack's line in a policy; `undefined` if it has no readable one. */
export function lineOf(live: Before, who: Who): StackGrants | undefined {
  return parseRegistry(live)?.stacks.find((line) => isSameStack(line, idOf(who)));
}

/** Key -> readers, for one secret. */
type Keys = GrantTable[string];

/** The readers in previous tables that this cell still grants, under another claim. */
function stayingReaders(
  wanted: readonly (Readers | undefined)[],
  previous: readonly (Readers | undefined)[],
  rotation: Rotation,
): readonly Omit<Grant, "secret" | "key">[] {
  const readersIn = (cells: readonly (Readers | undefined)[]): ReturnType<typeof listReaders> =>
    cells.flatMap((readers = {}) => listReaders(readers));
  const names = new Set(readersIn(wanted).flatMap(({ reader }) => readerNames(reader)));
  return readersIn(previous).filter(
    ({ initData, reader }) =>
      readerNames(reader).every((name) => names.has(name)) && staysAccepted(rotation, initData, reader),
  );
}

/** The keys to compare. A reader of all keys may have read single ones before. */
function keysToCompare(wanted: Keys, previous: readonly (Keys | undefined)[]): readonly string[] {
  const single = Object.hasOwn(wanted, EVERY_KEY) ? previous.flatMap((keys) => Object.keys(keys ?? {})) : [];
  return [...new Set([...Object.keys(wanted), ...single])];
}

/**
 * The grants that a previous digest keeps during the grace period: those that its pod still has. Revoked
 * grants end at once.
 * @param previous the previous grants, and those already in a grace period
 */
function retiringGrants(wanted: GrantTable, previous: readonly GrantTable[], rotation: Rotation): GrantTable {
  const retiring = Object.entries(wanted).flatMap(([secret, keys]) => {
    const previousKeys = previous.map((table) => member(table, secret));
    return keysToCompare(keys, previousKeys).flatMap((key) => {
      const readersOf = (table: Keys | undefined): (Readers | undefined)[] =>
        [...new Set([key, EVERY_KEY])].map((one) => member(table, one));
      const readers = stayingReaders(readersOf(keys), previousKeys.flatMap(readersOf), rotation);
      return readers.map((one): Grant => ({ secret, key, ...one }));
    });
  });
  return tableOf([], retiring);
}

/**
 * Adds the grants of previous digests. From the live text only those in a grace period count: the rest may be
 * forged.
 */
function withPrevious(
  live: Before,
  own: StackGrants,
  { rotation, declared = {} }: PreviousGrants,
): StackGrants {
  const previous = [declared, lineOf(live, own)?.retiring ?? {}];
  return { ...own, retiring: retiringGrants(own.secrets, previous, rotation) };
}

/**
 * The policy with this stack's grants: merged into this project's live policy, or replacing a foreign policy,
 * which it then remembers.
 * @param live the key's content; `null`: no such key
 * @param before the original text, if the live text does not hold it. A stack that wrote before passes what
 *   it remembers, so that a manual reset does not count as the original. @default the live text, unless it is
 *   a policy of this project
 * @param previous what keeps being accepted. @default nothing: previous digests are rejected at once
 * @param vanished lines of other stacks to restore
 * @throws IssuesError if another stack's line is damaged, because its secrets would lose their restriction;
 *   or if neither the live text nor `before` holds the original text
 */
export function joinPolicy(
  live: Before,
  own: StackGrants,
  before?: Before,
  previous?: PreviousGrants,
  vanished: readonly StackGrants[] = [],
): string {
  refuseDamage(live, own.stack, before !== undefined);
  const found = parseRegistry(live)?.before;
  const remembered = before === undefined ? live : before;
  const grants = previous === undefined ? own : withPrevious(live, own, previous);
  return renderPolicy(stacksAfterJoin(live, grants, vanished), found === undefined ? remembered : found);
}

/** The readers in the live policy whose initdata is about to change with a grace period. */
export function changingReaders(live: Before, who: Who, rotation: Rotation): readonly string[] {
  const changing = listGrants(lineOf(live, who)?.secrets ?? {}).filter(({ initData, reader }) =>
    staysAccepted(rotation, initData, reader),
  );
  return [...new Set(changing.flatMap(({ reader }) => readerNames(reader)))].sort();
}

/** The readers of a stack with a previous digest that the policy still accepts. */
export function retiringReaders(live: Before, who: Who): readonly string[] {
  const retiring = listGrants(lineOf(live, who)?.retiring ?? {});
  return [...new Set(retiring.flatMap(({ reader }) => readerNames(reader)))].sort();
}

/** The policy without a stack's previous digests. A text without any, or with damage, stays as it is. */
export function retirePolicy<Text extends Before>(live: Text, who: Who): Text | string {
  const registry = parseRegistry(live);
  const line = lineOf(live, who);
  if (registry?.before === undefined || line?.retiring === undefined) return live;
  if (foreignDamage(live, idOf(who).stack).length > 0) return live;
  const { retiring: _, ...grants } = line;
  return renderPolicy(stacksAfterJoin(live, grants), registry.before);
}

/**
 * The policy without this stack; after the last stack, the original text.
 * @param written the text that this stack wrote last. An older release may have rendered it differently.
 * @param owner the resource that leaves. @default the one that wrote the grants
 */
export function leavePolicy(live: Before, who: Who, written?: string, owner?: string): Withdrawal {
  const registry = parseRegistry(live);
  if (registry === undefined || live === null)
    return { kind: "leave", reason: "a foreign policy has replaced it" };
  const { stacks, before } = registry;
  const line = stacks.find((one) => isSameStack(one, idOf(who)));
  if (owner !== undefined && line?.owner !== undefined && line.owner !== owner)
    return { kind: "handed-over" };
  if (foreignDamage(live, idOf(who).stack).length > 0) {
    return { kind: "leave", reason: "a line of another stack is damaged in it" };
  }
  if (before === undefined || (live !== written && !isIntact(live, registry)))
    return { kind: "leave", reason: "the policy was edited by hand" };
  if (line === undefined) {
    return { kind: "leave", reason: "this stack's grants are no longer in it" };
  }
  const others = stacks.filter((one) => one !== line);
  if (others.length > 0) return { kind: "write", content: renderPolicy(others, before) };
  return { kind: "restore", content: before };
}

/**
 * The secrets that a stack stops restricting, sorted. The KBS may still serve them, so they stay restricted
 * until it no longer does.
 * @param live the policy: everything in the stack's line counts, even what its state does not know
 * @param declared the stack's last declaration
 * @param registered secrets that stay in the KbsConfig without a grant. They open at once, as the matrix
 *   says.
 */
export function leavingSecrets(
  live: Before,
  own: StackGrants,
  declared: GrantTable,
  registered: readonly string[],
): readonly string[] {
  // Match by name too: a stack that takes over a line owns it from then on.
  const lines = [lineOf(live, own), lineOf(live, own.stack)];
  const restricted = new Set([declared, ...lines.map((line) => line?.secrets ?? {})].flatMap(Object.keys));
  const kept = new Set([...Object.keys(own.secrets), ...registered]);
  return [...restricted].filter((secret) => !kept.has(secret)).sort();
}

/** The same grants, with these secrets restricted and without readers. */
export function withLeaving(own: StackGrants, leaving: readonly string[]): StackGrants {
  if (leaving.length === 0) return own;
  const nobody = Object.fromEntries(leaving.map((secret): [string, GrantTable[string]] => [secret, {}]));
  return { ...own, secrets: { ...nobody, ...own.secrets } };
}
