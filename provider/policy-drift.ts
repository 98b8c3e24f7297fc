import { damageWords, foreignDamage } from "../core/policy/damage.ts";
import { isEarlierPolicy } from "../core/policy/earlier.ts";
import { isNamesake } from "../core/policy/identity.ts";
import { parseRegistry, type Before } from "../core/policy/registry.ts";
import { renderPolicy, renderWidePolicy } from "../core/policy/render.ts";
import { lineOf } from "../core/policy/share.ts";
import type { Behind } from "../core/policy/vanished.ts";
import { grantsOf, leavingOf, merged, type Computed, type Inputs } from "./policy-merge.ts";
import { NO_DRIFT } from "./resource.ts";

/** Why nothing can be merged into the policy. Read reports this as drift: if it failed, destroy would too. */
function damageOf({ policy }: Inputs, live: Before): string | undefined {
  const damaged = foreignDamage(live, policy.stack);
  if (damaged.length === 0) return undefined;
  return `another stack's line in the policy is damaged (${damaged.map(damageWords).join("; ")}); fix it before the next up`;
}

/** How the live policy differs from what the stack declares, in words for a preview. */
export function driftOf(
  want: Inputs,
  state: Computed,
  live: Before,
  present: string | undefined,
  owner: string,
  behind: Behind,
): string {
  if (present !== undefined && present !== state.key) {
    return `Trustee now reads the key ${present} instead of ${state.key}`;
  }
  if (live === null) return "the key was removed";
  const damage = damageOf(want, live);
  if (damage !== undefined) return damage;
  if (merged(want, live, { inputs: want, computed: state }, owner, behind).content === live) return NO_DRIFT;
  const leaving = leavingOf(want, live, undefined);
  if (
    leaving.length > 0 &&
    merged(want, live, { inputs: want, computed: state }, owner, behind, leaving).content === live
  ) {
    return `the policy still restricts ${leaving.join(", ")}, which this stack no longer declares`;
  }
  const registry = parseRegistry(live);
  if (registry === undefined) return "another policy was put in its place";
  const { stacks, before } = registry;
  if (before !== undefined && isEarlierPolicy(live, stacks, before))
    return "an older release wrote the policy, so it does not check which TEE reports a digest";
  if (
    before !== undefined &&
    live !== renderPolicy(stacks, before) &&
    live === renderWidePolicy(stacks, before)
  )
    return "an older release wrote the policy in a form that some policy engines cannot read";
  if (registry.stacks.some((line) => isNamesake(line, grantsOf(want)))) {
    return "another stack of the same name has replaced this stack's line in the policy";
  }
  return lineOf(live, grantsOf(want)) === undefined
    ? "this stack's grants were removed from the policy"
    : "the policy was changed by hand";
}
