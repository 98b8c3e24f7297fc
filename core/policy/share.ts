import { staysAccepted, type Rotation } from "../rotation/rotation.ts";
import { foreignDamage, refuseDamage } from "./damage.ts";
import { listGrants, readerNames, type GrantTable, type StackGrants } from "./grants.ts";
import { idOf, isOneStack, isSameStack, type Who } from "./identity.ts";
import { isIntact } from "./intact.ts";
import { parseRegistry, type Before } from "./registry.ts";
import { renderPolicy } from "./render.ts";
import { retiringGrants } from "./retiring.ts";

/** What a stack leaves behind when it withdraws from a policy. */
export type Withdrawal =
  /** Write this text: other stacks remain in it. */
  | { readonly kind: "write"; readonly content: string }
  /** Put back what was there before; `null`: remove the key. */
  | { readonly kind: "restore"; readonly content: Before }
  /** Another resource of the same stack has taken the grants over: nothing is to be taken out. */
  | { readonly kind: "handed-over" }
  /** Somebody else has written since: leave it as it is. */
  | { readonly kind: "leave"; readonly reason: string };

/** What has to be known for former initdata to stay accepted. */
export interface FormerGrants {
  readonly rotation: Rotation;
  /** What this stack declared last. @default nothing */
  readonly declared?: GrantTable;
}

/**
 * What a shared policy will say once `own` has joined it: the other stacks' grants as they are live, as far as their lines
 * are sound ({@link ./damage.ts} says which are not), those that come back, and its own.
 * @param vanished lines of other stacks that the live text has lost: {@link ./vanished.ts}
 */
export function stacksAfterJoin(
  live: Before,
  own: StackGrants,
  vanished: readonly StackGrants[] = [],
): readonly StackGrants[] {
  const registry = live === null ? undefined : parseRegistry(live);
  const lines = [...(registry?.stacks ?? []), ...vanished];
  return [...lines.filter((line) => !isOneStack(line, own)), own];
}

/** A stack's line in a policy; `undefined`: it has none that can be read. */
export function lineOf(live: Before, who: Who): StackGrants | undefined {
  const registry = live === null ? undefined : parseRegistry(live);
  return registry?.stacks.find((line) => isSameStack(line, idOf(who)));
}

/** With what stays accepted of the grants before. Of the live text's only what was retiring: the rest may be a forgery. */
function withFormer(live: Before, own: StackGrants, { rotation, declared = {} }: FormerGrants): StackGrants {
  const former = [declared, lineOf(live, own)?.retiring ?? {}];
  return { ...own, retiring: retiringGrants(own.secrets, former, rotation) };
}

/**
 * The policy with this stack's grants in it: merged into a policy of ours that is live, or in place of somebody else's text,
 * which is then remembered inside.
 * @param live the key's content now; `null`: the key is not there
 * @param before what to remember where the live text does not say it. A stack that has written here before passes what it
 *   remembers, so that a reset by hand is not taken for the original. @default the live text, unless it is a policy of ours
 * @param former what to keep accepting for now. @default nothing: former initdata is refused at once
 * @param vanished lines of other stacks that come back
 * @throws IssuesError if a line of another stack is damaged: its secrets would be restricted no more; or if the live text is
 *   a policy of ours that has lost what was there before, and `before` does not say it
 */
export function joinPolicy(
  live: Before,
  own: StackGrants,
  before?: Before,
  former?: FormerGrants,
  vanished: readonly StackGrants[] = [],
): string {
  refuseDamage(live, own.stack, before !== undefined);
  const found = live === null ? undefined : parseRegistry(live)?.before;
  const remembered = before === undefined ? live : before;
  const grants = former === undefined ? own : withFormer(live, own, former);
  return renderPolicy(stacksAfterJoin(live, grants, vanished), found === undefined ? remembered : found);
}

/** The readers whose initdata is about to change, as far as the live policy names them, and that it stays accepted of. */
export function changingReaders(live: Before, who: Who, rotation: Rotation): readonly string[] {
  const changing = listGrants(lineOf(live, who)?.secrets ?? {}).filter(({ initData, reader }) =>
    staysAccepted(rotation, initData, reader),
  );
  return [...new Set(changing.flatMap(({ reader }) => readerNames(reader)))].sort();
}

/** The readers of a stack whose former initdata a policy still accepts. */
export function retiringReaders(live: Before, who: Who): readonly string[] {
  const retiring = listGrants(lineOf(live, who)?.retiring ?? {});
  return [...new Set(retiring.flatMap(({ reader }) => readerNames(reader)))].sort();
}

/** The policy without a stack's former initdata; a text that has none, or is damaged, stays as it is. */
export function retirePolicy<Text extends Before>(live: Text, who: Who): Text | string {
  const registry = live === null ? undefined : parseRegistry(live);
  const line = lineOf(live, who);
  if (registry?.before === undefined || line?.retiring === undefined) return live;
  if (foreignDamage(live, idOf(who).stack).length > 0) return live;
  const { retiring: _, ...grants } = line;
  return renderPolicy(stacksAfterJoin(live, grants), registry.before);
}

/**
 * The policy without this stack: the other stacks' alone, or, after the last one, what was there before.
 * @param written the text this stack wrote last: an older release of this project may have worded it otherwise.
 * @param owner who withdraws. @default whoever has put the grants in
 */
export function leavePolicy(live: Before, who: Who, written?: string, owner?: string): Withdrawal {
  const registry = live === null ? undefined : parseRegistry(live);
  if (live === null || registry === undefined) {
    return { kind: "leave", reason: "somebody else has written another policy since" };
  }
  const { stacks, before } = registry;
  const line = stacks.find((one) => isSameStack(one, idOf(who)));
  if (owner !== undefined && line?.owner !== undefined && line.owner !== owner)
    return { kind: "handed-over" };
  if (foreignDamage(live, idOf(who).stack).length > 0) {
    return { kind: "leave", reason: "a line of another stack is damaged in it" };
  }
  if (before === undefined || (live !== written && !isIntact(live, registry)))
    return { kind: "leave", reason: "somebody has changed the policy by hand since" };
  if (line === undefined) {
    return { kind: "leave", reason: "this stack's grants are not in it any more" };
  }
  const others = stacks.filter((one) => one !== line);
  if (others.length > 0) return { kind: "write", content: renderPolicy(others, before) };
  return { kind: "restore", content: before };
}
