import { z } from "zod";
import { ownedSecrets, type SecretResources } from "../core/kbs-config/entries.ts";
import { otherSecretsModes, type StackGrants } from "../core/policy/grants.ts";
import { isOfNamesake, ownerMark } from "../core/policy/owner.ts";
import { foreignVanished, type Behind } from "../core/policy/vanished.ts";
import { grantTable, parseRegistry, type Before } from "../core/policy/registry.ts";
import {
  joinPolicy,
  leavePolicy,
  leavingSecrets,
  lineOf,
  withLeaving,
  type PreviousGrants,
  type Withdrawal,
} from "../core/policy/share.ts";
import { rotationSchema } from "../core/policy/rotation.ts";
import { trusteeNames } from "../core/trustee/generation.ts";
import { own as member } from "../core/records.ts";
import type { Change } from "./change.ts";
import { configMapPatch, contentOf, type ConfigMap } from "./config-map.ts";
import type { Around } from "./policy-around.ts";
import type { Old as State, Operation } from "./resource.ts";
import { ownerOfStack } from "./withdrawal.ts";

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
  /** Readers whose previous initdata stays accepted until {@link ./retirement.ts} removes it. */
  rotation: rotationSchema.optional(),
  /** The stack's identity. */
  identity: z.string().optional(),
  kbsConfig: z.string().min(1).default(trusteeNames.kbsConfig),
  deployment: z.string().min(1).default(trusteeNames.deployment),
  /**
   * The stack's secrets in the KbsConfig. If a restricted secret is neither here nor in the grants, it leaves
   * the KBS before its restriction goes. Absent: the restriction goes at once.
   */
  registered: z.array(z.string()).optional(),
  /** How long the KBS may take to stop serving a removed secret. */
  timeoutMinutes: z.number().positive().default(10),
});
export type Inputs = z.output<typeof inputs>;

export const computed = z.object({
  /** The key that this resource writes. */
  key: z.string(),
  liveContent: z.string().nullable(),
  /** The content before our first write; null if the key did not exist. */
  before: z.string().nullable(),
  /** What this resource wrote last. */
  written: z.string(),
  /** The ConfigMap's version after this resource's last write. */
  revision: z.string(),
  /** The revision of its last write that kept previous claims, which {@link ./retirement.ts} removes; or empty. */
  overlapRevision: z.string().default(""),
  /** The `registered` secrets that others had listed before. Absent: an older release wrote this. */
  foreign: z.array(z.string()).optional(),
});
export type Computed = z.output<typeof computed>;
export type Old = State<Inputs, Computed>;

/**
 * The new content of the key, and the content from before the first stack.
 * @param behind records of stacks whose lines the live text has lost
 * @param leaving removed secrets that stay restricted until the KBS no longer serves them
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
    withoutPreviousName(want, live, old),
    { ...withLeaving(grantsOf(want), leaving), owner: ownerMark(owner) },
    old?.computed.before,
    previousGrants(want, old),
    foreignVanished(live, behind, grantsOf(want)).map(({ line }) => line),
  );
  return { content, before: parseRegistry(content)?.before ?? null };
}

export function grantsOf({ policy, identity }: Inputs): StackGrants {
  return { ...policy, identity };
}

/**
 * Secrets that this resource or the live policy restricts for the stack and that are no longer declared.
 * @param more secrets to count as restricted. @default none
 */
export function leavingOf(
  want: Inputs,
  live: Before,
  old: Old | undefined,
  more: readonly string[] = [],
): readonly string[] {
  if (want.registered === undefined) return [];
  const { stack = want.policy.stack, secrets = {} } = old?.inputs.policy ?? {};
  const declared = { ...Object.fromEntries(more.map((name) => [name, {}])), ...secrets };
  return [stack, want.policy.stack]
    .flatMap((name) =>
      leavingSecrets(live, { ...grantsOf(want), stack: name }, declared, want.registered ?? []),
    )
    .filter((secret, index, all) => all.indexOf(secret) === index);
}

/** The secrets that a stack has listed, by its state and by the record on the KbsConfig. */
export function listedBy(
  had: Inputs | undefined,
  { ledger }: SecretResources,
  isOwner: (owner: string) => boolean,
): readonly string[] {
  return [...new Set([...(had?.registered ?? []), ...ownedSecrets(ledger, isOwner)])];
}

/**
 * Secrets that the stack has listed and that stay closed although no line names them: those that its
 * `otherSecrets: deny` closes, and those of the stack that it takes over.
 */
function closedWithoutGrant(
  want: Inputs,
  live: Before,
  old: Old | undefined,
  { resources }: Around,
  operation: Writer,
): readonly string[] {
  const own = grantsOf(want);
  const lines = [lineOf(live, own), lineOf(live, own.stack), old?.inputs.policy];
  const denied = own.others !== "deny" && lines.some((line) => line?.others === "deny");
  if (denied) return listedBy(old?.inputs, resources, ownerOfStack(operation));
  return operation.takeOver
    ? ownedSecrets(resources.ledger, (one) => isOfNamesake(one, operation.owner))
    : [];
}

/** The `registered` secrets that others have listed: those of the state stay what they were. */
export function foreignEntries(want: Inputs, old: Old | undefined, { resources }: Around): readonly string[] {
  const isKnown = old?.computed.foreign !== undefined && old.inputs.kbsConfig === want.kbsConfig;
  const known = new Set(isKnown ? old.inputs.registered : []);
  const foreign = new Set(old?.computed.foreign);
  const { entries, ledger } = resources;
  return (want.registered ?? []).filter((name) =>
    known.has(name) ? foreign.has(name) : entries.includes(name) && member(ledger, name) === undefined,
  );
}

/** The secrets that the stack has listed itself, by its state. */
export function addedEntries({ inputs: had, computed: { foreign } }: Old): readonly string[] {
  return foreign === undefined ? [] : (had.registered ?? []).filter((name) => !foreign.includes(name));
}

function previousGrants({ rotation }: Inputs, old: Old | undefined): PreviousGrants | undefined {
  if (rotation === undefined) return undefined;
  const declared = old?.inputs.policy.secrets;
  return { rotation, ...(declared === undefined ? {} : { declared }) };
}

/** The live policy without this resource's line under a previous stack name. */
function withoutPreviousName({ policy, identity }: Inputs, live: Before, old: Old | undefined): Before {
  const previous = old?.inputs.policy.stack;
  if (previous === undefined || previous === policy.stack) return live;
  const withdrawal = leavePolicy(live, { stack: previous, identity }, old?.computed.written);
  return "content" in withdrawal ? withdrawal.content : live;
}

/** How this resource leaves a key: its line goes, unless another client has written the key since. */
export function leave({ inputs: had, computed: state }: Old, live: Before, owner: string): Withdrawal {
  if (live === null || live === state.before) return { kind: "restore", content: live };
  return leavePolicy(live, grantsOf(had), state.written, ownerMark(owner));
}

/** The resource that writes, and whether it takes over. */
export type Writer = Pick<Operation, "owner" | "takeOver">;

export interface Outcome {
  readonly key: string;
  /** Removed secrets that stay restricted because the KBS may still serve them. */
  readonly leaving: readonly string[];
  readonly content: string;
  readonly before: Before;
  /** Why the previous key is not restored, if Trustee now reads another key. */
  readonly left?: string;
  /** Whether the previous key keeps its content because KBS pods may still read it. */
  readonly held?: boolean;
}

/**
 * The write to make. If Trustee now reads another key, it restores the previous key too.
 * @param keep whether a removed secret stays restricted
 * @param hold whether KBS pods may still read the previous key: then it stays as it is
 */
export function mergeInto(
  map: ConfigMap,
  key: string,
  want: Inputs,
  old: Old | undefined,
  operation: Writer,
  around: Around,
  keep: (secret: string) => boolean,
  hold = false,
): Change<Outcome> {
  const { owner } = operation;
  const moved = old !== undefined && old.computed.key !== key;
  const live = contentOf(map, key);
  const more = closedWithoutGrant(want, live, old, around, operation);
  const leaving = leavingOf(want, live, old, more).filter(keep);
  const { content, before } = merged(want, live, moved ? undefined : old, owner, around.behind, leaving);
  const result = { key, leaving, content, before };
  if (!moved) return { patch: configMapPatch(map, { [key]: content }), result };
  const previousKey = old.computed.key;
  const previous = contentOf(map, previousKey);
  const withdrawal = leave(old, previous, owner);
  const restored = "content" in withdrawal ? withdrawal.content : previous;
  const held = hold && restored !== previous;
  const data = { [key]: content, ...(held ? {} : { [previousKey]: restored }) };
  const left = withdrawal.kind === "leave" ? { left: withdrawal.reason } : {};
  return { patch: configMapPatch(map, data), result: { ...result, ...left, held } };
}
