import type { GrantTable, StackGrants } from "./grants.ts";
import type { Before } from "./registry.ts";
import { lineOf } from "./share.ts";

/**
 * The secrets that a stack restricts and will not restrict any more, sorted: they may still be served, so that their restriction
 * must not go before they have gone from the KBS.
 * @param live the policy: whatever the stack's line restricts counts, also what its state does not know of
 * @param declared what the stack declared last
 * @param registered secrets that stay in the KbsConfig without a grant: these open at once, as the matrix says
 */
export function leavingSecrets(
  live: Before,
  own: StackGrants,
  declared: GrantTable,
  registered: readonly string[],
): readonly string[] {
  // By the name alone too: what a stack takes over is its own from then on.
  const lines = [lineOf(live, own), lineOf(live, own.stack)];
  const restricted = new Set([declared, ...lines.map((line) => line?.secrets ?? {})].flatMap(Object.keys));
  const kept = new Set([...Object.keys(own.secrets), ...registered]);
  return [...restricted].filter((secret) => !kept.has(secret)).sort();
}

/** The same grants with these secrets restricted as well, which nobody may read. */
export function withLeaving(own: StackGrants, leaving: readonly string[]): StackGrants {
  if (leaving.length === 0) return own;
  const nobody = Object.fromEntries(leaving.map((secret): [string, GrantTable[string]] => [secret, {}]));
  return { ...own, secrets: { ...nobody, ...own.secrets } };
}
