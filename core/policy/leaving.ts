import type { GrantTable, StackGrants } from "./grants.ts";
import type { Before } from "./registry.ts";
import { lineOf } from "./share.ts";

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
