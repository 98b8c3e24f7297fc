import type { StackId } from "../core/policy/grants.ts";
import { isOneStack } from "../core/policy/identity.ts";
import type { Before } from "../core/policy/registry.ts";
import { lineOf } from "../core/policy/share.ts";
import {
  readStackRecords,
  recordOf,
  STACKS_ANNOTATION,
  writeStackRecords,
  type StackRecord,
} from "../core/policy/stack-records.ts";
import { vanishedStacks, vanishedWords, type Behind } from "../core/policy/vanished.ts";
import type { KubeClient } from "../kube/client.ts";
import type { ObjectRef } from "../kube/objects.ts";
import { readBehind } from "../kube/policy-behind.ts";
import { changeObject } from "./change.ts";
import { staying, type ConfigMap } from "./config-map.ts";
import type { Operation } from "./resource.ts";

/** Where a policy is, and what is known of its stacks beside it. */
export interface PolicyPlace {
  readonly namespace: string;
  readonly configMap: string;
  readonly kbsConfig: string;
}

function kbsConfigRef({ namespace, kbsConfig }: PolicyPlace): ObjectRef {
  return { kind: "KbsConfig", namespace, name: kbsConfig };
}

/** What is known of the stacks of a policy beside it. @param key that Trustee reads */
export async function behindPolicy(
  kube: KubeClient,
  place: PolicyPlace,
  { data }: ConfigMap,
  key: string,
): Promise<Behind> {
  const { namespace, configMap: name } = place;
  return readBehind(kube, await kube.get(kbsConfigRef(place)), { namespace, name, data, key });
}

/** Changes the records of the stacks; where there is no KbsConfig there are none. */
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
  await changeObject(operation, { ref: kbsConfigRef(place), basis }, (object) => {
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

/**
 * What of the stacks of a policy is not as it was left, in words: the grants that are gone, with the backup, and the record of
 * this stack's. Undefined if all is well.
 */
export function recordDrift(live: Before, own: StackId, behind: Behind): string | undefined {
  const vanished = vanishedStacks(live, behind);
  if (vanished.length > 0)
    return `the policy has lost the grants of ${vanished.map(vanishedWords).join("; ")}`;
  const line = lineOf(live, own);
  if (line === undefined || !behind.kept) return undefined;
  const found = behind.records.filter((record) => isOneStack(record, own));
  const isRecorded = writeStackRecords(found) === writeStackRecords([recordOf(line)]);
  return isRecorded ? undefined : "the record of this stack's grants beside the policy was removed";
}
