import { z } from "zod";
import { otherSecretsModes, type StackGrants } from "../core/policy/grants.ts";
import { ownerMark } from "../core/policy/owner.ts";
import { parseRegistry, type Before } from "../core/policy/registry.ts";
import { joinPolicy, leavePolicy, type FormerGrants, type Withdrawal } from "../core/policy/share.ts";
import {
  ORIGINALS_ANNOTATION,
  readOriginals,
  withOriginal,
  withoutOriginal,
  writeOriginals,
  type Original,
  type Originals,
} from "../core/text-entry/originals.ts";
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
  secrets: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.string()))),
});

const inputs = z.object({
  namespace: z.string().min(1),
  configMap: z.string().min(1),
  candidateKeys: z.array(z.string().min(1)).min(1),
  content: z.string().optional(),
  policy: grants.optional(),
  /** For a policy: whose former initdata stays accepted until a {@link ./retirement.ts} takes it out. */
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
  readonly drifted?: boolean;
}

/**
 * What the key is to hold, and what is remembered as having been there before.
 * @param original what the ConfigMap itself says of that, where our state was lost
 */
function merged(
  want: Inputs,
  live: Before,
  old: Old | undefined,
  owner: string,
  original?: Original,
): { readonly content: string; readonly before: Before } {
  if (want.policy !== undefined) {
    const base = withoutFormerName(want.policy, live, old);
    const before = old === undefined ? live : old.computed.before;
    const content = joinPolicy(
      base,
      { ...want.policy, owner: ownerMark(owner) },
      before,
      formerGrants(want, old),
    );
    return { content, before: parseRegistry(content)?.before ?? null };
  }
  const before = old?.computed ?? original ?? { before: live };
  return { content: want.content ?? "", before: before.before };
}

function formerGrants({ rotation }: Inputs, old: Old | undefined): FormerGrants | undefined {
  if (rotation === undefined) return undefined;
  const declared = old?.inputs.policy?.secrets;
  return { rotation, ...(declared === undefined ? {} : { declared }) };
}

/** The live policy without what this resource had put in under another stack's name. */
function withoutFormerName(want: StackGrants, live: Before, old: Old | undefined): Before {
  const former = old?.inputs.policy?.stack;
  if (former === undefined || former === want.stack) return live;
  const withdrawal = leavePolicy(live, former, old?.computed.written);
  return "content" in withdrawal ? withdrawal.content : live;
}

/** How a key is left: what this resource put there goes, unless somebody else has written since. */
function leave({ inputs: had, computed: state }: Old, live: Before, owner: string): Withdrawal {
  if (live === null || live === state.before) return { kind: "restore", content: live };
  if (had.policy !== undefined) return leavePolicy(live, had.policy.stack, state.written, ownerMark(owner));
  if (live === state.written) return { kind: "restore", content: state.before };
  return { kind: "leave", reason: "somebody else has written it since" };
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

function patchOf(
  map: ConfigMap,
  data: Readonly<Record<string, Before>>,
  originals: Originals,
): Change<Outcome>["patch"] {
  return configMapPatch(map, data, { name: ORIGINALS_ANNOTATION, value: writeOriginals(originals) });
}

/** What is to be written; also puts back what was under the former key where the generation has changed. */
function mergeInto(
  map: ConfigMap,
  key: string,
  want: Inputs,
  old: Old | undefined,
  owner: string,
): Change<Outcome> {
  const originals = readOriginals(map.annotations[ORIGINALS_ANNOTATION]);
  const same = old?.computed.key === key ? old : undefined;
  // Where another resource of ours wrote before this one, what it found is what was there.
  const { content, before } = merged(want, contentOf(map, key), same, owner, originals[key]);
  const marked =
    want.policy === undefined
      ? withOriginal(originals, key, { owner, before })
      : withoutOriginal(originals, key, owner);
  if (old === undefined || same !== undefined) {
    return { patch: patchOf(map, { [key]: content }, marked), result: { key, content, before } };
  }
  const formerKey = old.computed.key;
  const withdrawal = leave(old, contentOf(map, formerKey), owner);
  const data = {
    [key]: content,
    ...("content" in withdrawal ? { [formerKey]: withdrawal.content } : {}),
  };
  const left = withdrawal.kind === "leave" ? { left: withdrawal.reason } : {};
  return {
    patch: patchOf(map, data, withoutOriginal(marked, formerKey, owner)),
    result: { key, content, before, ...left },
  };
}

async function write(want: Inputs, old: Old | undefined, operation: Operation): Promise<PropertyMap> {
  const ref = configMapRef(want.namespace, want.configMap);
  const target = configMapTarget(ref, [...want.candidateKeys, old?.computed.key], ORIGINALS_ANNOTATION);
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
  const asBefore =
    old?.computed.key === key && old.computed.written === content && old.drifted !== true
      ? old.computed.revision
      : undefined;
  const revision = revisionAfter(changed, asBefore, operation);
  return { key, liveContent: content, before, written: content, revision };
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
  if (merged(want, live, { inputs: want, computed: state }, owner).content === live) return NO_DRIFT;
  if (want.policy === undefined) return "somebody has changed the content";
  const registry = parseRegistry(live);
  if (registry === undefined) return "somebody has put another policy in its place";
  return registry.stacks.some((stack) => stack.stack === want.policy?.stack)
    ? "somebody has changed the policy by hand"
    : "this stack's grants were taken out of the policy";
}

/** One key's content in somebody else's ConfigMap: a text, or a policy that several stacks share. */
export const configMapEntry: ResourceType<Inputs, Computed> = {
  inputs,
  computed,
  replaceOn: ["namespace", "configMap"],
  derived: ["liveContent", "before", "written"],
  drifts: true,
  checkTogether: (given) =>
    (given["content"] === undefined) === (given["policy"] === undefined)
      ? [{ property: "content", reason: "give exactly one of content and policy" }]
      : [],
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

  adopt: async ([namespace = "", configMap = "", key = ""], { kube }) => {
    const object = await kube.get(configMapRef(namespace, configMap));
    const live = object === undefined ? null : contentOf(readConfigMap(object), key);
    if (live === null) return undefined;
    return {
      inputs: { namespace, configMap, candidateKeys: [key], content: live },
      computed: { key, liveContent: live, before: live, written: live, revision: "" },
    };
  },

  update: write,

  delete: async (had, state, operation) => {
    const ref = configMapRef(had.namespace, had.configMap);
    const { result } = await changeObject(
      operation,
      configMapTarget(ref, [state.key], ORIGINALS_ANNOTATION),
      (object) => {
        const live = staying(object);
        if (live === undefined) return { patch: undefined, result: undefined };
        const map = readConfigMap(live);
        const originals = readOriginals(map.annotations[ORIGINALS_ANNOTATION]);
        const other = originals[state.key];
        if (other !== undefined && other.owner !== operation.owner)
          return { patch: undefined, result: undefined };
        const withdrawal = leave(
          { inputs: had, computed: state },
          contentOf(map, state.key),
          operation.owner,
        );
        const data = "content" in withdrawal ? { [state.key]: withdrawal.content } : {};
        const patch = patchOf(map, data, withoutOriginal(originals, state.key, operation.owner));
        if (patch !== undefined) writableConfigMap(live, ref);
        return { patch, result: withdrawal.kind === "leave" ? withdrawal.reason : undefined };
      },
    );
    if (result !== undefined) warnLeft(operation, had, state.key, result);
  },
};
