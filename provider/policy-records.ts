import { z } from "zod";
import { readLedger, SECRET_LEDGER_ANNOTATION } from "../core/kbs-config/entries.ts";
import { parseRegistry, type Before } from "../core/policy/registry.ts";
import type { StackId } from "../core/policy/grants.ts";
import { isOneStack } from "../core/policy/identity.ts";
import { lineOf } from "../core/policy/share.ts";
import {
  readStackRecords,
  recordOf,
  STACKS_ANNOTATION,
  writeStackRecords,
  type StackRecord,
} from "../core/policy/stack-records.ts";
import {
  NOTHING_BEHIND,
  vanishedStacks,
  vanishedWords,
  type Backup,
  type Behind,
} from "../core/policy/vanished.ts";
import { readLedgers, REFERENCE_VALUES_LEDGER_ANNOTATION } from "../core/reference-values/ledger.ts";
import { siblingKeys, trusteeNames } from "../core/trustee/generation.ts";
import type { KubeClient } from "../kube/client.ts";
import { KubeError } from "../kube/errors.ts";
import type { KubeObject, ObjectRef } from "../kube/objects.ts";
import { changeObject } from "./change.ts";
import { configMapRef, contentOf, readConfigMap, staying, type ConfigMap } from "./config-map.ts";
import type { Operation } from "./resource.ts";

/** Where a policy is, and what is known of its stacks beside it. */
export interface PolicyPlace {
  readonly namespace: string;
  readonly configMap: string;
  readonly kbsConfig: string;
}

/** What Red Hat's operator 1.2 calls its copy of a ConfigMap of 1.1. */
const BACKUP = ".v1.1";

function kbsConfigRef({ namespace, kbsConfig }: PolicyPlace): ObjectRef {
  return { kind: "KbsConfig", namespace, name: kbsConfig };
}

const spec = z.looseObject({ kbsRvpsRefValuesConfigMapName: z.string().min(1).optional() }).nullish();

/** An object of which nothing is known where there is none, or where this account must not read it. */
async function lookAt(kube: KubeClient, ref: ObjectRef): Promise<KubeObject | undefined> {
  try {
    return await kube.get(ref);
  } catch (error) {
    if (error instanceof KubeError && error.failure === "forbidden") return undefined;
    throw error;
  }
}

function ownersIn(kbsConfig: KubeObject, values: KubeObject | undefined): readonly string[] {
  const ledgers = readLedgers(values?.metadata.annotations?.[REFERENCE_VALUES_LEDGER_ANNOTATION]);
  return [
    ...Object.values(readLedger(kbsConfig.metadata.annotations?.[SECRET_LEDGER_ANNOTATION])).flat(),
    ...Object.values(ledgers).flatMap(({ owners }) => Object.keys(owners)),
  ];
}

/** Texts of policies in a ConfigMap, but the one that Trustee reads. */
function textsIn(map: ConfigMap, name: string, key: string, live: boolean): readonly Backup[] {
  const texts = siblingKeys(key).map(
    (one) => [one, live && one === key ? null : contentOf(map, one)] as const,
  );
  return texts.flatMap(([one, text]): readonly Backup[] =>
    text === null
      ? []
      : [{ where: live ? `the key "${one}" of ConfigMap "${name}"` : `ConfigMap "${name}"`, text }],
  );
}

/**
 * What is known of the stacks of a policy beside it. Only where some seem to be missing in it more is read than the KbsConfig.
 * @param map the policy's
 * @param key that Trustee reads
 */
export async function readBehind(
  kube: KubeClient,
  place: PolicyPlace,
  map: ConfigMap,
  key: string,
): Promise<Behind> {
  const kbsConfig = await kube.get(kbsConfigRef(place));
  if (kbsConfig === undefined) return NOTHING_BEHIND;
  const records = readStackRecords(kbsConfig.metadata.annotations?.[STACKS_ANNOTATION]);
  const known = { ...NOTHING_BEHIND, kept: true, records };
  const live = contentOf(map, key);
  const isOurs = live !== null && parseRegistry(live) !== undefined;
  if (isOurs && vanishedStacks(live, known).length === 0) return known;
  const { namespace, configMap } = place;
  const valuesMap =
    spec.parse(kbsConfig["spec"])?.kbsRvpsRefValuesConfigMapName ?? trusteeNames.referenceValues;
  const [backup, values] = await Promise.all([
    lookAt(kube, configMapRef(namespace, `${configMap}${BACKUP}`)),
    lookAt(kube, configMapRef(namespace, valuesMap)),
  ]);
  const backups = [
    ...(backup === undefined ? [] : textsIn(readConfigMap(backup), `${configMap}${BACKUP}`, key, false)),
    ...textsIn(map, configMap, key, true),
  ];
  return { ...known, owners: ownersIn(kbsConfig, values), backups };
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
