import { z } from "zod";
import { Issues } from "../core/issues.ts";
import { damageWords, foreignDamage } from "../core/policy/damage.ts";
import { otherSecretsModes, type StackGrants } from "../core/policy/grants.ts";
import { isEarlierPolicy } from "../core/policy/earlier.ts";
import { ownerMark } from "../core/policy/owner.ts";
import { checkNamesakes, isNamesake } from "../core/policy/identity.ts";
import { leavingSecrets, withLeaving } from "../core/policy/leaving.ts";
import { grantTable, parseRegistry, type Before } from "../core/policy/registry.ts";
import { joinPolicy, leavePolicy, lineOf, type FormerGrants, type Withdrawal } from "../core/policy/share.ts";
import { rotationSchema } from "../core/rotation/rotation.ts";
import { trusteeNames } from "../core/trustee/generation.ts";
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
import { withdraw } from "./withdrawal.ts";

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

/**
 * What the key is to hold, and what is remembered as having been there before.
 * @param leaving what is restricted beside, until the KBS has given it up
 */
function merged(
  want: Inputs,
  live: Before,
  old: Old | undefined,
  owner: string,
  leaving: readonly string[] = [],
): { readonly content: string; readonly before: Before } {
  const content = joinPolicy(
    withoutFormerName(want, live, old),
    { ...withLeaving(grantsOf(want), leaving), owner: ownerMark(owner) },
    old?.computed.before,
    formerGrants(want, old),
  );
  return { content, before: parseRegistry(content)?.before ?? null };
}

function grantsOf({ policy, identity }: Inputs): StackGrants {
  return { ...policy, identity };
}

/** The secrets that this resource or the live policy restricts for its stack and that it wants no more. */
function leavingOf(want: Inputs, live: Before, old: Old | undefined): readonly string[] {
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
function leave({ inputs: had, computed: state }: Old, live: Before, owner: string): Withdrawal {
  if (live === null || live === state.before) return { kind: "restore", content: live };
  return leavePolicy(live, grantsOf(had), state.written, ownerMark(owner));
}

function warnLeft(operation: Operation, had: Inputs, key: string, reason: string): void {
  operation.log.warn(
    `The key "${key}" of ConfigMap "${had.configMap}" in namespace "${had.namespace}" is left as it is, since ${reason}. ` +
      "What was there before this stack is not put back; look at it, and mend it by hand if need be.",
  );
}

interface Outcome {
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
function mergeInto(
  map: ConfigMap,
  key: string,
  want: Inputs,
  old: Old | undefined,
  owner: string,
  keep: (secret: string) => boolean,
): Change<Outcome> {
  const moved = old !== undefined && old.computed.key !== key;
  const live = contentOf(map, key);
  const leaving = leavingOf(want, live, old).filter(keep);
  const { content, before } = merged(want, live, moved ? undefined : old, owner, leaving);
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

/**
 * Whatever is restricted more is so at once, and what is granted less too. A secret that is given up stays restricted until the
 * KBS has given it up: if this ends before, the live policy still says so to the next run.
 */
async function write(want: Inputs, old: Old | undefined, operation: Operation): Promise<PropertyMap> {
  // A preview says what will come of it.
  const first = await writeOnce(want, old, operation, () => !operation.preview);
  if (first.leaving.length === 0) return first.outputs;
  const kept = await withdraw({ ...want, own: grantsOf(want) }, first.leaving, operation);
  const written = { inputs: want, computed: computed.parse(first.outputs) };
  const { outputs } = await writeOnce(want, written, operation, (secret) => kept.includes(secret));
  return outputs;
}

async function writeOnce(
  want: Inputs,
  old: Old | undefined,
  operation: Operation,
  keep: (secret: string) => boolean,
): Promise<{ readonly outputs: PropertyMap; readonly leaving: readonly string[] }> {
  const ref = configMapRef(want.namespace, want.configMap);
  const target = configMapTarget(ref, [...want.candidateKeys, old?.computed.key]);
  const changed = await changeObject(operation, target, (object) => {
    const map = writableConfigMap(object, ref);
    const key = keyToWrite(map, ref, want.candidateKeys, old?.computed.key);
    if (!operation.takeOver) refuseNamesakes(contentOf(map, key), grantsOf(want));
    return mergeInto(map, key, want, old, operation.owner, keep);
  });
  const { key, content, before, left, leaving } = changed.result;
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
  return { outputs: { key, liveContent: content, before, written: content, revision }, leaving };
}

/** @throws IssuesError if another stack of this name has a line in the policy */
function refuseNamesakes(live: Before, own: StackGrants): void {
  const issues = new Issues();
  checkNamesakes(live, own, issues);
  issues.throwIfAny("the resource policy that is shared");
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
  const leaving = leavingOf(want, live, undefined);
  if (
    leaving.length > 0 &&
    merged(want, live, { inputs: want, computed: state }, owner, leaving).content === live
  ) {
    return `it still restricts ${leaving.join(", ")}, which this stack has given up`;
  }
  const registry = parseRegistry(live);
  if (registry === undefined) return "somebody has put another policy in its place";
  if (registry.before !== undefined && isEarlierPolicy(live, registry.stacks, registry.before))
    return "the release before this one wrote it, which does not ask which TEE reports a digest";
  if (registry.stacks.some((line) => isNamesake(line, grantsOf(want)))) {
    return "another stack of this name has taken this one's place in the policy";
  }
  return lineOf(live, grantsOf(want)) === undefined
    ? "this stack's grants were taken out of the policy"
    : "somebody has changed the policy by hand";
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
    const found = staying(await operation.kube.get(ref));
    const live = found === undefined ? null : contentOf(readConfigMap(found), state.key);
    const leaving = "content" in leave({ inputs: had, computed: state }, live, operation.owner);
    const restricted = lineOf(live, grantsOf(had))?.secrets ?? {};
    // By then its resources have taken them out of the KbsConfig, but in the state of an older release, which came to this first.
    if (leaving) await withdraw({ ...had, own: grantsOf(had) }, Object.keys(restricted), operation);
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
