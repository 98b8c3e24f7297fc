import { Issues } from "../core/issues.ts";
import type { StackGrants } from "../core/policy/grants.ts";
import { checkNamesakes, isNamesake, isSameStack, namesakeIssue } from "../core/policy/identity.ts";
import {
  recordsAfter,
  recordsBefore,
  withoutRecord,
  type StackRecord,
} from "../core/policy/stack-records.ts";
import {
  foreignVanished,
  vanishedStacks,
  vanishedWarning,
  type VanishedStack,
} from "../core/policy/vanished.ts";
import { parseRegistry, type Before } from "../core/policy/registry.ts";
import { lineOf, retiringReaders } from "../core/policy/share.ts";
import type { KubeObject } from "../kube/objects.ts";
import type { PropertyMap } from "./protocol/index.ts";
import { changeObject, overlapAfter, revisionAfter } from "./change.ts";
import {
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
import {
  aroundPolicy,
  changeRecords,
  hasPreviousPods,
  recordDrift,
  stillRead,
  type Around,
} from "./policy-around.ts";
import { driftOf } from "./policy-drift.ts";
import { leavePolicyMap, warnLeft } from "./policy-leave.ts";
import {
  addedEntries,
  computed,
  foreignEntries,
  grantsOf,
  inputs,
  mergeInto,
  type Computed,
  type Inputs,
  type Old,
} from "./policy-merge.ts";
import { NO_DRIFT, type Operation, type ResourceType } from "./resource.ts";
import { warnKept, withdraw } from "./withdrawal.ts";

/** What the first write will make of the policy. */
interface Forecast {
  readonly own: StackGrants;
  readonly lines: readonly StackGrants[];
  /** About lines that it restores. */
  readonly warning: string | undefined;
  readonly around: Around;
}

/**
 * @param kbsConfig if it was read before. @default as it is now
 * @throws Error if the grants cannot be merged into the live policy
 */
async function forecast(
  want: Inputs,
  old: Old | undefined,
  operation: Operation,
  kbsConfig?: KubeObject,
): Promise<Forecast> {
  const { kube, takeOver } = operation;
  const ref = configMapRef(want.namespace, want.configMap);
  const map = writableConfigMap(await kube.get(ref), ref);
  const key = keyToWrite(map, ref, want.candidateKeys, old?.computed.key);
  const around = await aroundOf(want, old, operation, map, key, kbsConfig);
  const own = grantsOf(want);
  const { behind } = around;
  if (!takeOver) refuseLostNamesake(vanishedStacks(contentOf(map, key), behind), own);
  const vanished = foreignVanished(contentOf(map, key), behind, own);
  const { content } = mergeInto(map, key, want, old, operation, around, () => true).result;
  return {
    own: lineOf(content, own) ?? own,
    lines: parseRegistry(content)?.stacks ?? [],
    warning: vanishedWarning(vanished, want),
    around,
  };
}

/** What is known outside the policy, without this resource's record under a previous stack name. */
async function aroundOf(
  want: Inputs,
  old: Old | undefined,
  { kube }: Operation,
  map: ConfigMap,
  key: string,
  kbsConfig?: KubeObject,
): Promise<Around> {
  const { behind, resources } = await aroundPolicy(kube, want, map, key, kbsConfig);
  return { resources, behind: { ...behind, records: withoutPreviousRecord(behind.records, want, old) } };
}

/**
 * Writes in this order:
 * - the stack's record outside the policy
 * - the grants. New restrictions and removed grants take effect at once; a removed secret stays restricted. If
 *   Trustee reads another key now, the previous one stays until no KBS pod can read it
 * - the end of that restriction, once no KBS serves the secret. If the run ends before, the live policy tells
 *   the next run
 * - the record again, for the line as it is now
 */
async function write(want: Inputs, old: Old | undefined, operation: Operation): Promise<PropertyMap> {
  const { own, warning, around } = await forecast(want, old, operation);
  if (warning !== undefined) operation.log.warn(warning);
  // Reads the policy again in each try: a stack that has left by then gets no record.
  await changeRecords(operation, want, async (records, kbsConfig) => {
    const next = await forecast(want, old, operation, kbsConfig);
    return recordsBefore(records, next.own, next.lines);
  });
  // A preview shows the final result.
  const first = await writeOnce(want, old, operation, () => !operation.preview);
  if (first.held !== undefined) throw stillRead(want, first.held, first.key);
  const last = first.leaving.length === 0 ? first : await giveUp(want, old, first, operation);
  const line = lineOf(last.content, grantsOf(want)) ?? own;
  await changeRecords(operation, want, (records) =>
    recordsAfter(withoutPreviousRecord(records, want, old), line),
  );
  return { ...last.outputs, foreign: [...foreignEntries(want, old, around)] };
}

interface WrittenPolicy {
  readonly outputs: PropertyMap;
  readonly content: string;
  readonly leaving: readonly string[];
  readonly key: string;
  /** The previous key, if KBS pods may still read it. */
  readonly held: string | undefined;
}

async function giveUp(
  want: Inputs,
  old: Old | undefined,
  first: WrittenPolicy,
  operation: Operation,
): Promise<WrittenPolicy> {
  const place = { ...want, own: grantsOf(want), ...(old === undefined ? {} : { added: addedEntries(old) }) };
  const kept = await withdraw(place, first.leaving, operation);
  warnKept(place, kept, operation);
  const written = { inputs: want, computed: computed.parse(first.outputs) };
  return writeOnce(want, written, operation, (secret) => kept.includes(secret));
}

async function writeOnce(
  want: Inputs,
  old: Old | undefined,
  operation: Operation,
  keep: (secret: string) => boolean,
): Promise<WrittenPolicy> {
  const ref = configMapRef(want.namespace, want.configMap);
  const target = configMapTarget(ref, [...want.candidateKeys, old?.computed.key]);
  const changed = await changeObject(operation, target, async (object) => {
    const map = writableConfigMap(object, ref);
    const key = keyToWrite(map, ref, want.candidateKeys, old?.computed.key);
    if (!operation.takeOver) refuseNamesakes(contentOf(map, key), grantsOf(want));
    const around = await aroundOf(want, old, operation, map, key);
    const moved = old !== undefined && old.computed.key !== key;
    const hold = moved && !operation.preview && (await hasPreviousPods(operation, want));
    return mergeInto(map, key, want, old, operation, around, keep, hold);
  });
  const { key, content, before, left, leaving } = changed.result;
  const held = changed.result.held === true ? old?.computed.key : undefined;
  if (old !== undefined && old.computed.key !== key && held === undefined) {
    operation.log.info(movedMessage(ref, old.computed.key, key));
  }
  if (left !== undefined && old !== undefined) warnLeft(operation, old.inputs, old.computed.key, left);
  const state = old?.computed;
  // If a refresh found other content and the content is right now, it was fixed since. That may have been our
  // own write if its answer was lost.
  const asBefore =
    state?.key === key && state.written === content && state.liveContent === content
      ? state.revision
      : undefined;
  const revision = revisionAfter(changed, asBefore, operation);
  const overlaps = retiringReaders(content, grantsOf(want)).length > 0;
  const overlapRevision = overlapAfter(overlaps, revision, old);
  const outputs = { key, liveContent: content, before, written: content, revision, overlapRevision };
  return { outputs, content, leaving, key, held };
}

/** The records without this resource's record under a previous stack name. */
function withoutPreviousRecord(
  records: readonly StackRecord[],
  want: Inputs,
  old: Old | undefined,
): readonly StackRecord[] {
  const previous = old?.inputs.policy.stack ?? want.policy.stack;
  return previous === want.policy.stack
    ? records
    : withoutRecord(records, { stack: previous, identity: want.identity });
}

/** @throws IssuesError if another stack of the same name had a line that was lost */
function refuseLostNamesake(lost: readonly VanishedStack[], own: StackGrants): void {
  const issues = new Issues();
  if (lost.some(({ line }) => isNamesake(line, own)))
    namesakeIssue("the live resource policy", "the record of a line", own.stack, issues);
  issues.throwIfAny("the shared resource policy");
}

/** @throws IssuesError if another stack of the same name has a line in the policy */
function refuseNamesakes(live: Before, own: StackGrants): void {
  const issues = new Issues();
  checkNamesakes(live, own, issues);
  issues.throwIfAny("the shared resource policy");
}

/** The KBS's resource policy, which stacks share: one key of a ConfigMap of the operator. */
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
    const map = object === undefined ? { data: {}, annotations: {} } : readConfigMap(object);
    const live = contentOf(map, state.key);
    const present = keyReadNow(map, want.candidateKeys, state.key);
    const key = present ?? state.key;
    const around = await aroundPolicy(kube, want, map, key);
    const { behind } = around;
    const foreign = [...(state.foreign ?? foreignEntries(want, undefined, around))];
    const computed = { ...state, liveContent: live, foreign };
    if (object === undefined) {
      // Its delete must still remove the record: from it, other stacks restore the line.
      const isRecorded = behind.records.some((record) => isSameStack(record, grantsOf(want)));
      return isRecorded ? { computed, drift: `ConfigMap ${want.configMap} is gone` } : undefined;
    }
    const drift = driftOf(want, state, live, present, owner, behind);
    const recorded = recordDrift(contentOf(map, key), grantsOf(want), behind);
    return {
      computed,
      drift: [drift, recorded ?? NO_DRIFT].filter((one) => one !== NO_DRIFT).join("; ") || NO_DRIFT,
    };
  },

  update: write,

  delete: leavePolicyMap,
};
