import { Issues } from "../core/issues.ts";
import { damageWords, foreignDamage } from "../core/policy/damage.ts";
import { isEarlierPolicy } from "../core/policy/earlier.ts";
import type { StackGrants } from "../core/policy/grants.ts";
import { checkNamesakes, isNamesake, namesakeIssue } from "../core/policy/identity.ts";
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
  type Behind,
  type VanishedStack,
} from "../core/policy/vanished.ts";
import { parseRegistry, type Before } from "../core/policy/registry.ts";
import { lineOf } from "../core/policy/share.ts";
import type { PropertyMap } from "./protocol/index.ts";
import { changeObject, revisionAfter } from "./change.ts";
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
import {
  behindPolicy,
  changeRecords,
  computed,
  grantsOf,
  inputs,
  leave,
  leavingOf,
  mergeInto,
  merged,
  recordDrift,
  type Computed,
  type Inputs,
  type Old,
} from "./policy-merge.ts";
import { NO_DRIFT, type Operation, type ResourceType } from "./resource.ts";
import { withdraw } from "./withdrawal.ts";

function warnLeft(operation: Operation, had: Inputs, key: string, reason: string): void {
  operation.log.warn(
    `The key "${key}" of ConfigMap "${had.configMap}" in namespace "${had.namespace}" was not changed: ${reason}. ` +
      "The content from before this stack was not restored. Check the key, and fix it by hand if needed.",
  );
}

/** What was read before the first write: the stacks' records outside the policy, and the lines to come. */
interface Forecast {
  readonly behind: Behind;
  readonly own: StackGrants;
  readonly lines: readonly StackGrants[];
}

/** @throws Error if the grants cannot be merged into the live policy */
async function forecast(
  want: Inputs,
  old: Old | undefined,
  { kube, owner, log, takeOver }: Operation,
): Promise<Forecast> {
  const ref = configMapRef(want.namespace, want.configMap);
  const map = writableConfigMap(await kube.get(ref), ref);
  const key = keyToWrite(map, ref, want.candidateKeys, old?.computed.key);
  const found = await behindPolicy(kube, want, map, key);
  const own = grantsOf(want);
  const behind = { ...found, records: withoutPreviousRecord(found.records, want, old) };
  if (!takeOver) refuseLostNamesake(vanishedStacks(contentOf(map, key), behind), own);
  const vanished = foreignVanished(contentOf(map, key), behind, own);
  const { content } = mergeInto(map, key, want, old, owner, behind, () => true).result;
  const warning = vanishedWarning(vanished, want);
  if (warning !== undefined) log.warn(warning);
  return {
    behind,
    own: lineOf(content, own) ?? own,
    lines: parseRegistry(content)?.stacks ?? [],
  };
}

/**
 * Writes in this order:
 * - the stack's record outside the policy
 * - the grants. New restrictions and removed grants take effect at once; a removed secret stays restricted
 * - the end of that restriction, once no KBS serves the secret. If the run ends before, the live policy tells
 *   the next run
 * - the record again, for the line as it is now
 */
async function write(want: Inputs, old: Old | undefined, operation: Operation): Promise<PropertyMap> {
  const { behind, own, lines } = await forecast(want, old, operation);
  await changeRecords(operation, want, (records) => recordsBefore(records, own, lines));
  // A preview shows the final result.
  const first = await writeOnce(want, old, operation, behind, () => !operation.preview);
  const last = first.leaving.length === 0 ? first : await giveUp(want, first, operation, behind);
  const line = lineOf(last.content, grantsOf(want)) ?? own;
  await changeRecords(operation, want, (records) =>
    recordsAfter(withoutPreviousRecord(records, want, old), line),
  );
  return last.outputs;
}

interface WrittenPolicy {
  readonly outputs: PropertyMap;
  readonly content: string;
  readonly leaving: readonly string[];
}

async function giveUp(
  want: Inputs,
  first: WrittenPolicy,
  operation: Operation,
  behind: Behind,
): Promise<WrittenPolicy> {
  const kept = await withdraw({ ...want, own: grantsOf(want) }, first.leaving, operation);
  const written = { inputs: want, computed: computed.parse(first.outputs) };
  return writeOnce(want, written, operation, behind, (secret) => kept.includes(secret));
}

async function writeOnce(
  want: Inputs,
  old: Old | undefined,
  operation: Operation,
  behind: Behind,
  keep: (secret: string) => boolean,
): Promise<WrittenPolicy> {
  const ref = configMapRef(want.namespace, want.configMap);
  const target = configMapTarget(ref, [...want.candidateKeys, old?.computed.key]);
  const changed = await changeObject(operation, target, (object) => {
    const map = writableConfigMap(object, ref);
    const key = keyToWrite(map, ref, want.candidateKeys, old?.computed.key);
    if (!operation.takeOver) refuseNamesakes(contentOf(map, key), grantsOf(want));
    return mergeInto(map, key, want, old, operation.owner, behind, keep);
  });
  const { key, content, before, left, leaving } = changed.result;
  if (old !== undefined && old.computed.key !== key) {
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
  return { outputs: { key, liveContent: content, before, written: content, revision }, content, leaving };
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

/** Why nothing can be merged into the policy. Read reports this as drift: if it failed, destroy would too. */
function damageOf({ policy }: Inputs, live: Before): string | undefined {
  const damaged = foreignDamage(live, policy.stack);
  if (damaged.length === 0) return undefined;
  return `another stack's line in the policy is damaged (${damaged.map(damageWords).join("; ")}); fix it before the next up`;
}

function driftOf(
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
    return `it still restricts ${leaving.join(", ")}, which this stack no longer declares`;
  }
  const registry = parseRegistry(live);
  if (registry === undefined) return "another policy was put in its place";
  if (registry.before !== undefined && isEarlierPolicy(live, registry.stacks, registry.before))
    return "an older release wrote it, which does not check which TEE reports a digest";
  if (registry.stacks.some((line) => isNamesake(line, grantsOf(want)))) {
    return "another stack of the same name has replaced this stack's line in the policy";
  }
  return lineOf(live, grantsOf(want)) === undefined
    ? "this stack's grants were removed from the policy"
    : "the policy was changed by hand";
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
    if (object === undefined) return undefined;
    const map = readConfigMap(object);
    const live = contentOf(map, state.key);
    const present = keyReadNow(map, want.candidateKeys, state.key);
    const key = present ?? state.key;
    const behind = await behindPolicy(kube, want, map, key);
    const drift = driftOf(want, state, live, present, owner, behind);
    const recorded = recordDrift(contentOf(map, key), grantsOf(want), behind);
    return {
      computed: { ...state, liveContent: live },
      drift: [drift, recorded ?? NO_DRIFT].filter((one) => one !== NO_DRIFT).join("; ") || NO_DRIFT,
    };
  },

  update: write,

  delete: async (had, state, operation) => {
    const ref = configMapRef(had.namespace, had.configMap);
    const found = staying(await operation.kube.get(ref));
    const places = found === undefined ? [] : placesOf(readConfigMap(found), had, state);
    for (const place of places) {
      const live = found === undefined ? null : contentOf(readConfigMap(found), place.key);
      const leaving = "content" in leave({ inputs: had, computed: place }, live, operation.owner);
      const restricted = lineOf(live, grantsOf(had))?.secrets ?? {};
      // Normally the stack's entries have left the KbsConfig by now. In a state of an older release, this
      // resource comes first.
      if (leaving) await withdraw({ ...had, own: grantsOf(had) }, Object.keys(restricted), operation);
      const { result } = await changeObject(operation, configMapTarget(ref, [place.key]), (object) => {
        const live = staying(object);
        if (live === undefined) return { patch: undefined, result: undefined };
        const map = readConfigMap(live);
        const withdrawal = leave(
          { inputs: had, computed: place },
          contentOf(map, place.key),
          operation.owner,
        );
        const patch =
          "content" in withdrawal ? configMapPatch(map, { [place.key]: withdrawal.content }) : undefined;
        if (patch !== undefined) writableConfigMap(live, ref);
        return { patch, result: withdrawal };
      });
      if (result?.kind === "handed-over") return;
      if (result?.kind === "leave") warnLeft(operation, had, place.key, result.reason);
    }
    await changeRecords(operation, had, (records) => withoutRecord(records, grantsOf(had)));
  },
};

/** The keys that hold this stack's line: the one it wrote, and the one that others have copied it to. */
function placesOf(map: ConfigMap, had: Inputs, state: Computed): readonly Computed[] {
  const present = keyReadNow(map, had.candidateKeys, state.key) ?? state.key;
  const live = contentOf(map, present);
  if (present === state.key || live === null || lineOf(live, grantsOf(had)) === undefined) return [state];
  return [state, { ...state, key: present, before: parseRegistry(live)?.before ?? null, written: live }];
}
