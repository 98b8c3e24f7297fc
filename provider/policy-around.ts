import type { SecretResources } from "../core/kbs-config/entries.ts";
import { UserError } from "../core/issues.ts";
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
import { stillServing } from "../core/rollout/decide.ts";
import { vanishedStacks, vanishedWords, type Behind } from "../core/policy/vanished.ts";
import type { KubeClient } from "../kube/client.ts";
import type { KubeObject } from "../kube/objects.ts";
import { readBehind } from "../kube/policy-behind.ts";
import { changeObject } from "./change.ts";
import { staying, type ConfigMap } from "./config-map.ts";
import { kbsConfigTarget, resourcesOf } from "./kbs-config.ts";
import type { Operation } from "./resource.ts";
import { readRollout } from "./rollout-read.ts";

/** The ConfigMap of a policy, and the KbsConfig that records its stacks. */
export interface PolicyPlace {
  readonly namespace: string;
  readonly configMap: string;
  readonly kbsConfig: string;
}

/** What the KbsConfig says about a policy's stacks and their secrets. */
export interface Around {
  readonly behind: Behind;
  readonly resources: SecretResources;
}

/**
 * Reads what is known of a policy's stacks outside the policy. A stack that leaves marks its record first: so
 * if the policy was read before, no stack counts as lost that has left.
 * @param key the key that Trustee reads
 * @param kbsConfig @default as it is now
 */
export async function aroundPolicy(
  kube: KubeClient,
  place: PolicyPlace,
  { data }: ConfigMap,
  key: string,
  kbsConfig?: KubeObject,
): Promise<Around> {
  const { namespace, configMap: name } = place;
  const found = kbsConfig ?? (await kube.get(kbsConfigTarget(place).ref));
  return {
    behind: await readBehind(kube, found, { namespace, name, data, key }),
    resources: resourcesOf(found),
  };
}

/**
 * Changes the stacks' records on the KbsConfig, if there is one.
 * @param change called once per try
 */
export async function changeRecords(
  operation: Operation,
  place: PolicyPlace,
  change: (
    records: readonly StackRecord[],
    kbsConfig: KubeObject,
  ) => readonly StackRecord[] | Promise<readonly StackRecord[]>,
): Promise<void> {
  if (operation.preview) return;
  const basis = [
    ["metadata", "annotations", STACKS_ANNOTATION],
    ["metadata", "deletionTimestamp"],
  ];
  await changeObject(operation, { ...kbsConfigTarget(place), basis }, async (object) => {
    const live = staying(object);
    if (live === undefined) return { patch: undefined, result: undefined };
    const annotation = live.metadata.annotations?.[STACKS_ANNOTATION];
    const value = writeStackRecords(await change(readStackRecords(annotation), live));
    const patch =
      value === (annotation ?? null)
        ? undefined
        : { metadata: { annotations: { [STACKS_ANNOTATION]: value } } };
    return { patch, result: undefined };
  });
}

/**
 * Whether KBS pods of a previous version run or may follow. They may read the key that the previous version
 * read, at each request.
 */
export async function hasPreviousPods(
  { kube }: Pick<Operation, "kube">,
  { namespace, deployment }: { readonly namespace: string; readonly deployment: string },
): Promise<boolean> {
  const seen = await readRollout(kube, namespace, deployment);
  if (seen === undefined) return false;
  return stillServing(seen, []).length > 0 || seen.pods.some(({ terminating }) => terminating);
}

/** The error if the previous key must stay as it is, after the new one has been written. */
export function stillRead(
  { namespace, configMap, deployment }: PolicyPlace & { readonly deployment: string },
  held: string,
  key: string,
): UserError {
  return new UserError(
    "TA841",
    `Trustee is being updated, and KBS pods of the previous version may still read the key "${held}" of ConfigMap "${configMap}" ` +
      `in namespace "${namespace}". It stays as it is: without it, they would give every secret to every affirming pod. ` +
      `The policy is written to the key "${key}". Wait until no KBS pod of Deployment "${deployment}" is left from the previous version, not even a terminating one, then run again: ` +
      `kubectl get pods -n ${namespace}`,
  );
}

/** Describes lost grants, with their backup, or a lost record of this stack. Undefined if nothing is lost. */
export function recordDrift(live: Before, own: StackId, behind: Behind): string | undefined {
  const vanished = vanishedStacks(live, behind);
  if (vanished.length > 0)
    return `the policy has lost the grants of ${vanished.map(vanishedWords).join("; ")}`;
  const line = lineOf(live, own);
  if (line === undefined || !behind.kept) return undefined;
  const found = behind.records.filter((record) => isOneStack(record, own));
  if (found.some(({ leaving }) => leaving === true))
    return "a destroy of this stack did not finish: the KbsConfig still records that the stack is leaving";
  const isRecorded = writeStackRecords(found) === writeStackRecords([recordOf(line)]);
  return isRecorded ? undefined : "the KbsConfig no longer records this stack's grants";
}
