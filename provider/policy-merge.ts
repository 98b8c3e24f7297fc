import { z } from "zod";
import { otherSecretsModes, type StackGrants } from "../core/policy/grants.ts";
import { ownerMark } from "../core/policy/owner.ts";
import { leavingSecrets, withLeaving } from "../core/policy/leaving.ts";
import { foreignVanished, type Behind } from "../core/policy/vanished.ts";
import { grantTable, parseRegistry, type Before } from "../core/policy/registry.ts";
import { joinPolicy, leavePolicy, type FormerGrants, type Withdrawal } from "../core/policy/share.ts";
import { rotationSchema } from "../core/rotation/rotation.ts";
import { trusteeNames } from "../core/trustee/generation.ts";
import type { Change } from "./change.ts";
import { configMapPatch, type ConfigMap, contentOf } from "./config-map.ts";

const grants = z.object({
  stack: z.string().min(1),
  others: z.enum(otherSecretsModes),
  secrets: grantTable,
});

export const inputs = z.object({
  namespace: z.string().min(1),
  configMap: z.string().min(1),
  candidateKeys: z.array(z.string().min(1)).min(1),
  policy: grants,
  /** Whose former initdata stays accepted until a {@link ./retirement.ts} takes it out. */
  rotation: rotationSchema.optional(),
  /** The stack's. */
  identity: z.string().optional(),
  kbsConfig: z.string().min(1).default(trusteeNames.kbsConfig),
  deployment: z.string().min(1).default(trusteeNames.deployment),
  /**
   * The secrets that the stack has in the KbsConfig. One that was restricted and is neither here nor in the grants is given up: it
   * goes from the KBS first. Absent: its restriction goes at once.
   */
  registered: z.array(z.string()).optional(),
  /** How long the KBS may take to give a secret up. */
  timeoutMinutes: z.number().positive().default(10),
});
export type Inputs = z.output<typeof inputs>;

export const computed = z.object({
  /** The key that is written. */
  key: z.string(),
  liveContent: z.string().nullable(),
  /** What the key held before our first write; null: it was not there. */
  before: z.string().nullable(),
  /** What this resource wrote last. */
  written: z.string(),
  /** The ConfigMap's version after this resource's last write. */
  revision: z.string(),
});
export type Computed = z.output<typeof computed>;
export interface Old {
  readonly inputs: Inputs;
  readonly computed: Computed;
}

/**
 * What the key is to hold, and what is remembered as having been there before.
 * @param behind what is known of the stacks whose lines the live text has lost
 * @param leaving what is restricted beside, until the KBS has given it up
 */
export function merged(
  want: Inputs,
  live: Before,
  old: Old | undefined,
  owner: string,
  behind: Behind,
  leaving: readonly string[] = [],
): { readonly content: string; readonly before: Before } {
  const content = joinPolicy(
    withoutFormerName(want, live, old),
    { ...withLeaving(grantsOf(want), leaving), owner: ownerMark(owner) },
    old?.computed.before,
    formerGrants(want, old),
    foreignVanished(live, behind, grantsOf(want)).map(({ line }) => line),
  );
  return { content, before: parseRegistry(content)?.before ?? null };
}

export function grantsOf({ policy, identity }: Inputs): StackGrants {
  return { ...policy, identity };
}

/** The secrets that this resource or the live policy restricts for its stack and that it wants no more. */
export function leavingOf(want: Inputs, live: Before, old: Old | undefined): readonly string[] {
  if (want.registered === undefined) return [];
  const { stack = want.policy.stack, secrets = {} } = old?.inputs.policy ?? {};
  return [stack, want.policy.stack]
    .flatMap((name) =>
      leavingSecrets(live, { ...grantsOf(want), stack: name }, secrets, want.registered ?? []),
    )
    .filter((secret, index, all) => all.indexOf(secret) === index);
}

function formerGrants({ rotation }: Inputs, old: Old | undefined): FormerGrants | undefined {
  if (rotation === undefined) return undefined;
  const declared = old?.inputs.policy.secrets;
  return { rotation, ...(declared === undefined ? {} : { declared }) };
}

/** The live policy without what this resource had put in under another stack's name. */
function withoutFormerName({ policy, identity }: Inputs, live: Before, old: Old | undefined): Before {
  const former = old?.inputs.policy.stack;
  if (former === undefined || former === policy.stack) return live;
  const withdrawal = leavePolicy(live, { stack: former, identity }, old?.computed.written);
  return "content" in withdrawal ? withdrawal.content : live;
}

/** How a key is left: what this resource put there goes, unless somebody else has written since. */
export function leave({ inputs: had, computed: state }: Old, live: Before, owner: string): Withdrawal {
  if (live === null || live === state.before) return { kind: "restore", content: live };
  return leavePolicy(live, grantsOf(had), state.written, ownerMark(owner));
}

export interface Outcome {
  readonly key: string;
  /** What is restricted beside the grants: given up, and maybe still served. */
  readonly leaving: readonly string[];
  readonly content: string;
  readonly before: Before;
  /** Why the former key is left as it is, where the generation of Trustee has changed. */
  readonly left?: string;
}

/**
 * What is to be written; also puts back what was under the former key where the generation has changed.
 * @param keep whether a secret that is given up stays restricted
 */
export function mergeInto(
  map: ConfigMap,
  key: string,
  want: Inputs,
  old: Old | undefined,
  owner: string,
  behind: Behind,
  keep: (secret: string) => boolean,
): Change<Outcome> {
  const moved = old !== undefined && old.computed.key !== key;
  const live = contentOf(map, key);
  const leaving = leavingOf(want, live, old).filter(keep);
  const { content, before } = merged(want, live, moved ? undefined : old, owner, behind, leaving);
  const result = { key, leaving, content, before };
  if (!moved) return { patch: configMapPatch(map, { [key]: content }), result };
  const formerKey = old.computed.key;
  const withdrawal = leave(old, contentOf(map, formerKey), owner);
  const data = {
    [key]: content,
    ...("content" in withdrawal ? { [formerKey]: withdrawal.content } : {}),
  };
  const left = withdrawal.kind === "leave" ? { left: withdrawal.reason } : {};
  return { patch: configMapPatch(map, data), result: { ...result, ...left } };
}
