import { z } from "zod";
import { readLedger, SECRET_LEDGER_ANNOTATION } from "../core/kbs-config/entries.ts";
import { parseRegistry } from "../core/policy/registry.ts";
import { readStackRecords, STACKS_ANNOTATION } from "../core/policy/stack-records.ts";
import { NOTHING_BEHIND, vanishedStacks, type Backup, type Behind } from "../core/policy/vanished.ts";
import { own } from "../core/records.ts";
import { readLedgers, REFERENCE_VALUES_LEDGER_ANNOTATION } from "../core/reference-values/ledger.ts";
import { siblingKeys } from "../core/trustee/generation.ts";
import { namesIn } from "../core/trustee/seen.ts";
import type { KubeClient } from "./client.ts";
import { KubeError } from "./errors.ts";
import type { KubeObject, ObjectRef } from "./objects.ts";

/** A policy's ConfigMap. */
export interface PolicyMap {
  readonly namespace: string;
  readonly name: string;
  readonly data: Readonly<Record<string, string>>;
  /** The key that Trustee reads. */
  readonly key: string;
}

/** The suffix of the copy that Red Hat's operator 1.2 makes of a ConfigMap of 1.1. */
const BACKUP = ".v1.1";

const dataSchema = z.record(z.string(), z.string()).nullish();

/** Reads an object. Returns undefined too if this account must not read it. */
export async function readIfAllowed(kube: KubeClient, ref: ObjectRef): Promise<KubeObject | undefined> {
  try {
    return await kube.get(ref);
  } catch (error) {
    if (error instanceof KubeError && error.failure === "forbidden") return undefined;
    throw error;
  }
}

function ownersIn(kbsConfig: KubeObject, values: KubeObject | undefined): readonly string[] {
  const secrets = readLedger(kbsConfig.metadata.annotations?.[SECRET_LEDGER_ANNOTATION]);
  const ledgers = readLedgers(values?.metadata.annotations?.[REFERENCE_VALUES_LEDGER_ANNOTATION]);
  return [
    ...Object.values(secrets).flat(),
    ...Object.values(ledgers).flatMap(({ owners }) => Object.keys(owners)),
  ];
}

/**
 * The texts of these keys.
 * @param where describes the place of a key
 */
function textsIn(
  data: Readonly<Record<string, string>>,
  keys: readonly string[],
  where: (key: string) => string,
): readonly Backup[] {
  return keys.flatMap((key) => {
    const text = own(data, key);
    return text === undefined ? [] : [{ where: where(key), text }];
  });
}

/**
 * Reads what is known of a policy's stacks outside the policy. It reads more than the KbsConfig only if the
 * policy seems to lack a stack.
 * @param kbsConfig undefined if it does not exist: then there are no records
 */
export async function readBehind(
  kube: KubeClient,
  kbsConfig: KubeObject | undefined,
  { namespace, name, data, key }: PolicyMap,
): Promise<Behind> {
  if (kbsConfig === undefined) return NOTHING_BEHIND;
  const records = readStackRecords(kbsConfig.metadata.annotations?.[STACKS_ANNOTATION]);
  const known = { ...NOTHING_BEHIND, kept: true, records };
  const live = own(data, key) ?? null;
  if (parseRegistry(live) !== undefined && vanishedStacks(live, known).length === 0) return known;
  const valuesMap = namesIn(kbsConfig).referenceValues;
  const copy = `${name}${BACKUP}`;
  const [backup, values] = await Promise.all([
    readIfAllowed(kube, { kind: "ConfigMap", namespace, name: copy }),
    readIfAllowed(kube, { kind: "ConfigMap", namespace, name: valuesMap }),
  ]);
  const keys = siblingKeys(key);
  const others = keys.filter((one) => one !== key);
  const backups = [
    ...textsIn(dataSchema.parse(backup?.["data"]) ?? {}, keys, () => `ConfigMap "${copy}"`),
    ...textsIn(data, others, (one) => `the key "${one}" of ConfigMap "${name}"`),
  ];
  return { ...known, owners: ownersIn(kbsConfig, values), backups };
}
