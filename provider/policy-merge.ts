import { z } from "zod";
import { otherSecretsModes, type StackGrants, type StackId } from "../core/policy/grants.ts";
import { isOneStack } from "../core/policy/identity.ts";
import { ownerMark } from "../core/policy/owner.ts";
import {
  readStackRecords,
  recordOf,
  STACKS_ANNOTATION,
  writeStackRecords,
  type StackRecord,
} from "../core/policy/stack-records.ts";
import { foreignVanished, vanishedStacks, vanishedWords, type Behind } from "../core/policy/vanished.ts";
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
import type { KubeClient } from "../kube/client.ts";
import { readBehind } from "../kube/policy-behind.ts";
import { changeObject, type Change } from "./change.ts";
import { configMapPatch, contentOf, staying, type ConfigMap } from "./config-map.ts";
import { kbsConfigTarget } from "./kbs-config.ts";
import type { Old as State, Operation } from "./resource.ts";

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

/** Secrets that this resource or the live policy restricts for the stack and that are no longer declared. */
export function leavingOf(want: Inputs, live: Before, old: Old | undefined): readonly string[] {
  if (want.registered === undefined) return [];
  const { stack = want.policy.stack, secrets = {} } = old?.inputs.policy ?? {};
  return [stack, want.policy.stack]
    .flatMap((name) =>
      leavingSecrets(live, { ...grantsOf(want), stack: name }, secrets, want.registered ?? []),
    )
    .filter((secret, index, all) => all.indexOf(secret) === index);
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

export interface Outcome {
  readonly key: string;
  /** Removed secrets that stay restricted because the KBS may still serve them. */
  readonly leaving: readonly string[];
  readonly content: string;
  readonly before: Before;
  /** Why the previous key is not restored, if Trustee now reads another key. */
  readonly left?: string;
}

/**
 * The write to make. If Trustee now reads another key, it restores the previous key too.
 * @param keep whether a removed secret stays restricted
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
  const previousKey = old.computed.key;
  const withdrawal = leave(old, contentOf(map, previousKey), owner);
  const data = {
    [key]: content,
    ...("content" in withdrawal ? { [previousKey]: withdrawal.content } : {}),
  };
  const left = withdrawal.kind === "leave" ? { left: withdrawal.reason } : {};
  return { patch: configMapPatch(map, data), result: { ...result, ...left } };
}

/** The ConfigMap of a policy, and the KbsConfig that records its stacks. */
export interface PolicyPlace {
  readonly namespace: string;
  readonly configMap: string;
  readonly kbsConfig: string;
}

/**
 * Reads the records of a policy's stacks outside the policy.
 * @param key the key that Trustee reads
 */
export async function behindPolicy(
  kube: KubeClient,
  place: PolicyPlace,
  { data }: ConfigMap,
  key: string,
): Promise<Behind> {
  const { namespace, configMap: name } = place;
  return readBehind(kube, await kube.get(kbsConfigTarget(place).ref), { namespace, name, data, key });
}

/** Changes the stacks' records on the KbsConfig, if there is one. */
export async function changeRecords(
  operation: Operation,
  place: PolicyPlace,
  change: (records: readonly StackRecord[]) => readonly StackRecord[],
): Promise<void> {
  if (operation.preview) return;
  const basis = [
    ["metadata", "annotations", STACKS_ANNOTATION],
    ["metadata", "deletionTimestamp"],
  ];
  await changeObject(operation, { ...kbsConfigTarget(place), basis }, (object) => {
    const live = staying(object);
    if (live === undefined) return { patch: undefined, result: undefined };
    const annotation = live.metadata.annotations?.[STACKS_ANNOTATION];
    const value = writeStackRecords(change(readStackRecords(annotation)));
    const patch =
      value === (annotation ?? null)
        ? undefined
        : { metadata: { annotations: { [STACKS_ANNOTATION]: value } } };
    return { patch, result: undefined };
  });
}

/** Describes lost grants, with their backup, or a lost record of this stack. Undefined if nothing is lost. */
export function recordDrift(live: Before, own: StackId, behind: Behind): string | undefined {
  const vanished = vanishedStacks(live, behind);
  if (vanished.length > 0)
    return `the policy has lost the grants of ${vanished.map(vanishedWords).join("; ")}`;
  const line = lineOf(live, own);
  if (line === undefined || !behind.kept) return undefined;
  const found = behind.records.filter((record) => isOneStack(record, own));
  const isRecorded = writeStackRecords(found) === writeStackRecords([recordOf(line)]);
  return isRecorded ? undefined : "the record of this stack's grants outside the policy was removed";
}
