import { z } from "zod";
import { damageWords, foreignDamage } from "../core/policy/damage.ts";
import { otherSecretsModes, type StackGrants } from "../core/policy/grants.ts";
import { isEarlierPolicy } from "../core/policy/earlier.ts";
import { ownerMark } from "../core/policy/owner.ts";
import { grantTable, parseRegistry, type Before } from "../core/policy/registry.ts";
import { joinPolicy, leavePolicy, type FormerGrants, type Withdrawal } from "../core/policy/share.ts";
import type { PropertyMap } from "../protocol/index.ts";
import { changeObject, revisionAfter, type Change } from "./change.ts";
import {
  configMapPatch,
  staying,
  type ConfigMap,
  configMapRef,
  configMapTarget,
  contentOf,
  keyReadNow,
  keyToWrite,
  movedMessage,
  readConfigMap,
  writableConfigMap,
} from "./config-map.ts";
import { NO_DRIFT, type Operation, type ResourceType } from "./resource.ts";
import { rotation } from "./rotation.ts";

const grants = z.object({
  stack: z.string().min(1),
  others: z.enum(otherSecretsModes),
  secrets: grantTable,
});

const inputs = z.object({
  namespace: z.string().min(1),
  configMap: z.string().min(1),
  candidateKeys: z.array(z.string().min(1)).min(1),
  policy: grants,
  /** Whose former initdata stays accepted until a {@link ./retirement.ts} takes it out. */
  rotation: rotation.optional(),
});
type Inputs = z.output<typeof inputs>;

const computed = z.object({
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
type Computed = z.output<typeof computed>;
interface Old {
  readonly inputs: Inputs;
  readonly computed: Computed;
}

/** What the key is to hold, and what is remembered as having been there before. */
function merged(
  want: Inputs,
  live: Before,
  old: Old | undefined,
  owner: string,
): { readonly content: string; readonly before: Before } {
  const content = joinPolicy(
    withoutFormerName(want.policy, live, old),
    { ...want.policy, owner: ownerMark(owner) },
    old === undefined ? live : old.computed.before,
    formerGrants(want, old),
  );
  return { content, before: parseRegistry(content)?.before ?? null };
}

function formerGrants({ rotation }: Inputs, old: Old | undefined): FormerGrants | undefined {
  if (rotation === undefined) return undefined;
  const declared = old?.inputs.policy.secrets;
  return { rotation, ...(declared === undefined ? {} : { declared }) };
}

/** The live policy without what this resource had put in under another stack's name. */
function withoutFormerName(want: StackGrants, live: Before, old: Old | undefined): Before {
  const former = old?.inputs.policy.stack;
  if (former === undefined || former === want.stack) return live;
  const withdrawal = leavePolicy(live, former, old?.computed.written);
  return "content" in withdrawal ? withdrawal.content : live;
}

/** How a key is left: what this resource put there goes, unless somebody else has written since. */
function leave({ inputs: had, computed: state }: Old, live: Before, owner: string): Withdrawal {
  if (live === null || live === state.before) return { kind: "restore", content: live };
  return leavePolicy(live, had.policy.stack, state.written, ownerMark(owner));
}

function warnLeft(operation: Operation, had: Inputs, key: string, reason: string): void {
  operation.log.warn(
    `The key "${key}" of ConfigMap "${had.configMap}" in namespace "${had.namespace}" is left as it is, since ${reason}. ` +
      "What was there before this stack is not put back; look at it, and mend it by hand if need be.",
  );
}

interface Outcome {
  readonly key: string;
  readonly content: string;
  readonly before: Before;
  /** Why the former key is left as it is, where the generation of Trustee has changed. */
  readonly left?: string;
}

/** What is to be written; also puts back what was under the former key where the generation has changed. */
function mergeInto(
  map: ConfigMap,
  key: string,
  want: Inputs,
  old: Old | undefined,
  owner: string,
): Change<Outcome> {
  const moved = old !== undefined && old.computed.key !== key;
  const { content, before } = merged(want, contentOf(map, key), moved ? undefined : old, owner);
  if (!moved) return { patch: configMapPatch(map, { [key]: content }), result: { key, content, before } };
  const formerKey = old.computed.key;
  const withdrawal = leave(old, contentOf(map, formerKey), owner);
  const data = {
    [key]: content,
    ...("content" in withdrawal ? { [formerKey]: withdrawal.content } : {}),
  };
  const left = withdrawal.kind === "leave" ? { left: withdrawal.reason } : {};
  return { patch: configMapPatch(map, data), result: { key, content, before, ...left } };
}

async function write(want: Inputs, old: Old | undefined, operation: Operation): Promise<PropertyMap> {
  const ref = configMapRef(want.namespace, want.configMap);
  const target = configMapTarget(ref, [...want.candidateKeys, old?.computed.key]);
  const changed = await changeObject(operation, target, (object) => {
    const map = writableConfigMap(object, ref);
    const key = keyToWrite(map, ref, want.candidateKeys, old?.computed.key);
    return mergeInto(map, key, want, old, operation.owner);
  });
  const { key, content, before, left } = changed.result;
  if (old !== undefined && old.computed.key !== key) {
    operation.log.info(movedMessage(ref, old.computed.key, key));
  }
  if (left !== undefined && old !== undefined) warnLeft(operation, old.inputs, old.computed.key, left);
  const state = old?.computed;
  // Where a refresh has found something else there, it was mended since: by us, if the write's answer was lost.
  const asBefore =
    state?.key === key && state.written === content && state.liveContent === content
      ? state.revision
      : undefined;
  const revision = revisionAfter(changed, asBefore, operation);
  return { key, liveContent: content, before, written: content, revision };
}

/** Why a policy cannot be merged into, in words: a Read must say so and not fail, or nothing could be destroyed. */
function damageOf({ policy }: Inputs, live: Before): string | undefined {
  const damaged = foreignDamage(live, policy.stack);
  if (damaged.length === 0) return undefined;
  return `the policy has a damaged line of another stack (${damaged.map(damageWords).join("; ")}); no up until it is mended`;
}

function driftOf(
  want: Inputs,
  state: Computed,
  live: Before,
  present: string | undefined,
  owner: string,
): string {
  if (present !== undefined && present !== state.key) {
    return `Trustee now reads the key ${present} instead of ${state.key}`;
  }
  if (live === null) return "the key was removed";
  const damage = damageOf(want, live);
  if (damage !== undefined) return damage;
  if (merged(want, live, { inputs: want, computed: state }, owner).content === live) return NO_DRIFT;
  const registry = parseRegistry(live);
  if (registry === undefined) return "somebody has put another policy in its place";
  if (registry.before !== undefined && isEarlierPolicy(live, registry.stacks, registry.before))
    return "the release before this one wrote it, which does not ask which TEE reports a digest";
  return registry.stacks.some((stack) => stack.stack === want.policy.stack)
    ? "somebody has changed the policy by hand"
    : "this stack's grants were taken out of the policy";
}

/** The KBS's resource policy, which several stacks share: one key's content in a ConfigMap of the operator's. */
export const resourcePolicy: ResourceType<Inputs, Computed> = {
  inputs,
  computed,
  replaceOn: ["namespace", "configMap"],
  derived: ["liveContent", "before", "written"],
  drifts: true,
  id: ({ namespace, configMap, candidateKeys }) => `${namespace}/${configMap}/${candidateKeys[0] ?? ""}`,

  create: (want, operation) => write(want, undefined, operation),

  read: async (want, state, { kube, owner }) => {
    const object = await kube.get(configMapRef(want.namespace, want.configMap));
    if (object === undefined) return undefined;
    const map = readConfigMap(object);
    const live = contentOf(map, state.key);
    return {
      computed: { ...state, liveContent: live },
      drift: driftOf(want, state, live, keyReadNow(map, want.candidateKeys, state.key), owner),
    };
  },

  update: write,

  delete: async (had, state, operation) => {
    const ref = configMapRef(had.namespace, had.configMap);
    const { result } = await changeObject(operation, configMapTarget(ref, [state.key]), (object) => {
      const live = staying(object);
      if (live === undefined) return { patch: undefined, result: undefined };
      const map = readConfigMap(live);
      const withdrawal = leave({ inputs: had, computed: state }, contentOf(map, state.key), operation.owner);
      const patch =
        "content" in withdrawal ? configMapPatch(map, { [state.key]: withdrawal.content }) : undefined;
      if (patch !== undefined) writableConfigMap(live, ref);
      return { patch, result: withdrawal.kind === "leave" ? withdrawal.reason : undefined };
    });
    if (result !== undefined) warnLeft(operation, had, state.key, result);
  },
};
