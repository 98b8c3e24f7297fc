import type { StackGrants } from "./grants.ts";
import { parseRegistry, type Before } from "./registry.ts";
import { renderPolicy } from "./render.ts";

/** What a stack leaves behind when it withdraws from a policy. */
export type Withdrawal =
  /** Write this text: other stacks remain in it. */
  | { readonly kind: "write"; readonly content: string }
  /** Put back what was there before; `null`: remove the key. */
  | { readonly kind: "restore"; readonly content: Before }
  /** Somebody else has written since: leave it as it is. */
  | { readonly kind: "leave"; readonly reason: string };

/** What a shared policy will say once `own` has joined it: the other stacks' grants as they are live, and its own. */
export function stacksAfterJoin(live: Before, own: StackGrants): readonly StackGrants[] {
  const registry = live === null ? undefined : parseRegistry(live);
  return [...(registry?.stacks ?? []).filter((stack) => stack.stack !== own.stack), own];
}

/**
 * The policy with this stack's grants in it: merged into a policy of ours that is live, or in place of somebody else's text,
 * which is then remembered inside.
 * @param live the key's content now; `null`: the key is not there
 * @param before what to remember where the live text does not say it: by default the live text itself. A stack that
 *   has written here before passes what it remembers, so that a reset by hand is not taken for the original.
 */
export function joinPolicy(live: Before, own: StackGrants, before: Before = live): string {
  const remembered = live === null ? undefined : parseRegistry(live)?.before;
  return renderPolicy(stacksAfterJoin(live, own), remembered === undefined ? before : remembered);
}

/**
 * The policy without this stack: the other stacks' alone, or, after the last one, what was there before.
 * @param written the text this stack wrote last: an older release of this project may have worded it otherwise.
 */
export function leavePolicy(live: Before, stack: string, written?: string): Withdrawal {
  const registry = live === null ? undefined : parseRegistry(live);
  if (live === null || registry === undefined) {
    return { kind: "leave", reason: "somebody else has written another policy since" };
  }
  const { stacks, before } = registry;
  const asWritten = before !== undefined && (live === written || live === renderPolicy(stacks, before));
  if (!asWritten) return { kind: "leave", reason: "somebody has changed the policy by hand since" };
  if (!stacks.some((one) => one.stack === stack)) {
    return { kind: "leave", reason: "this stack's grants are not in it any more" };
  }
  const others = stacks.filter((one) => one.stack !== stack);
  if (others.length > 0) return { kind: "write", content: renderPolicy(others, before) };
  return { kind: "restore", content: before };
}
