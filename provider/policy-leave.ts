import { closes, mergeGrants, type StackGrants } from "../core/policy/grants.ts";
import { isOneStack } from "../core/policy/identity.ts";
import { parseRegistry, type Before } from "../core/policy/registry.ts";
import { lineOf, type Withdrawal } from "../core/policy/share.ts";
import { recordsLeaving, withoutRecord } from "../core/policy/stack-records.ts";
import { siblingKeys } from "../core/trustee/generation.ts";
import type { ObjectRef } from "../kube/objects.ts";
import { changeObject } from "./change.ts";
import {
  configMapPatch,
  configMapRef,
  configMapTarget,
  contentOf,
  readConfigMap,
  staying,
  writableConfigMap,
  type ConfigMap,
} from "./config-map.ts";
import { kbsConfigTarget, resourcesOf } from "./kbs-config.ts";
import { changeRecords } from "./policy-around.ts";
import { grantsOf, leave, listedBy, type Computed, type Inputs } from "./policy-merge.ts";
import type { Operation } from "./resource.ts";
import { ownerOfStack, stillListed, withdraw, type Serving } from "./withdrawal.ts";

/** Warns that a key was not restored. */
export function warnLeft(operation: Operation, had: Inputs, key: string, reason: string): void {
  operation.log.warn(
    `The key "${key}" of ConfigMap "${had.configMap}" in namespace "${had.namespace}" was not changed: ${reason}. ` +
      "The content from before this stack was not restored. Check the key, and fix it by hand if needed.",
  );
}

/** Removes this stack from the policy. */
export async function leavePolicyMap(had: Inputs, state: Computed, operation: Operation): Promise<void> {
  const ref = configMapRef(had.namespace, had.configMap);
  const found = staying(await operation.kube.get(ref));
  const places = found === undefined ? [] : placesOf(readConfigMap(found), had, state);
  const liveAt = ({ key }: Computed): Before =>
    found === undefined ? null : contentOf(readConfigMap(found), key);
  const at = (place: Computed, live = liveAt(place)): Withdrawal =>
    leave({ inputs: had, computed: place }, live, operation.owner);
  // Then the record and the entries belong to the other resource too. A line left under an older key does not count.
  const siblings = siblingKeys(state.key);
  const older = siblings.slice(siblings.indexOf(state.key) + 1);
  const isHandedOver = (place: Computed, withdrawal: Withdrawal | undefined): boolean =>
    withdrawal?.kind === "handed-over" && !older.includes(place.key);
  let handedOver = places.some((place) => isHandedOver(place, at(place)));
  for (const place of places) {
    const live = liveAt(place);
    const leaving = "content" in at(place);
    const here = { ...had, own: grantsOf(had) };
    const line = lineOf(live, here.own);
    // Normally the stack's entries have left the KbsConfig by now. In a state of an older release, this
    // resource comes first.
    const withdraws = leaving && !handedOver;
    const kept = withdraws ? await withdraw(here, await closedBy(had, line, operation), operation) : [];
    if (leaving) {
      refuseOpening(here, kept, contentOf(await mapNow(operation, ref), place.key));
      if (line !== undefined && withdraws)
        await changeRecords(operation, had, (records) => recordsLeaving(records, here.own, line));
    }
    const { result } = await changeObject(operation, configMapTarget(ref, [place.key]), (object) => {
      const live = staying(object);
      if (live === undefined) return { patch: undefined, result: undefined };
      const map = readConfigMap(live);
      const text = contentOf(map, place.key);
      const withdrawal = at(place, text);
      if ("content" in withdrawal) refuseOpening(here, kept, text);
      const patch =
        "content" in withdrawal ? configMapPatch(map, { [place.key]: withdrawal.content }) : undefined;
      if (patch !== undefined) writableConfigMap(live, ref);
      return { patch, result: withdrawal };
    });
    handedOver ||= isHandedOver(place, result);
    if (result?.kind === "leave") warnLeft(operation, had, place.key, result.reason);
  }
  if (!handedOver) await changeRecords(operation, had, (records) => withoutRecord(records, grantsOf(had)));
}

/** The secrets that only a stack's line closes, as far as it has listed them. */
async function closedBy(
  had: Inputs,
  line: StackGrants | undefined,
  operation: Operation,
): Promise<readonly string[]> {
  const restricted = Object.keys(line?.secrets ?? {});
  if (line?.others !== "deny") return restricted;
  const resources = resourcesOf(staying(await operation.kube.get(kbsConfigTarget(had).ref)));
  return [...new Set([...restricted, ...listedBy(had, resources, ownerOfStack(operation))])];
}

/** @throws UserError if one of these secrets would be open without this stack's line */
function refuseOpening(place: Serving, kept: readonly string[], live: Before): void {
  const lines = parseRegistry(live)?.stacks.filter((line) => !isOneStack(line, place.own)) ?? [];
  const rules = mergeGrants(lines);
  const open = kept.filter((secret) => !closes(rules, secret));
  if (open.length > 0) throw stillListed(place, open);
}

async function mapNow({ kube }: Operation, ref: ObjectRef): Promise<ConfigMap> {
  const found = staying(await kube.get(ref));
  return found === undefined ? { data: {}, annotations: {} } : readConfigMap(found);
}

/** The keys that hold this stack's line: the one it wrote, and those that it or others have copied it to. */
function placesOf(map: ConfigMap, had: Inputs, state: Computed): readonly Computed[] {
  const known = new Set([...had.candidateKeys, ...siblingKeys(state.key)]);
  const others = [...known].flatMap((key): readonly Computed[] => {
    const live = contentOf(map, key);
    if (key === state.key || live === null || lineOf(live, grantsOf(had)) === undefined) return [];
    return [{ ...state, key, before: parseRegistry(live)?.before ?? null, written: live }];
  });
  return [state, ...others];
}
