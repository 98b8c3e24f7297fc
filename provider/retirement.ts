import { z } from "zod";
import { own } from "../core/records.ts";
import { retirePolicy, retiringReaders } from "../core/policy/share.ts";
import { shownName } from "../core/shown.ts";
import {
  EMPTY_LEDGER,
  readLedgers,
  REFERENCE_VALUES_LEDGER_ANNOTATION,
  writeLedgers,
} from "../core/reference-values/ledger.ts";
import { retireDigests } from "../core/reference-values/retiring.ts";
import { liveKey } from "../core/trustee/generation.ts";
import type { KubeObject } from "../kube/objects.ts";
import { unknown, type PropertyMap } from "./protocol/index.ts";
import { changeObject, type Change } from "./change.ts";
import {
  configMapPatch,
  configMapRef,
  configMapTarget,
  contentOf,
  ofConfigMap,
  readConfigMap,
  staying,
  writableConfigMap,
  type ConfigMap,
} from "./config-map.ts";
import { NO_DRIFT, type Operation, type ResourceType } from "./resource.ts";

const target = z.object({ configMap: z.string().min(1), candidateKeys: z.array(z.string().min(1)).min(1) });

const inputs = z.object({
  namespace: z.string().min(1),
  /** The policy, and the stack whose previous grants go. */
  policy: target.extend({ stack: z.string().min(1), identity: z.string().optional() }),
  /** The reference values, and the output `owner` of the resource whose previous digests go. */
  referenceValues: target.extend({ owner: z.string().min(1) }),
  /** The current claims of the stack's readers. After a change, previous claims may have to go. */
  current: z.record(z.string(), z.string()),
  /** The outputs `overlapRevision` of both: after such a write, previous claims have to go. */
  overlaps: z.array(z.string()).optional(),
});
type Inputs = z.output<typeof inputs>;

const computed = z.object({
  /** The versions of both ConfigMaps once no previous claim is left; empty until initdata changes. */
  revision: z.string(),
});
type Computed = z.output<typeof computed>;

interface Retired {
  readonly retired: boolean;
  readonly version: string;
}

/** Removes previous claims from one ConfigMap, under the key that Trustee reads, if it is there. */
async function retireFrom(
  operation: Operation,
  namespace: string,
  { configMap, candidateKeys }: z.output<typeof target>,
  annotation: string | undefined,
  patchOf: (map: ConfigMap, key: string) => Change<unknown>["patch"],
): Promise<Retired> {
  const ref = configMapRef(namespace, configMap);
  const { result, resourceVersion } = await changeObject(
    operation,
    configMapTarget(ref, candidateKeys, annotation),
    (live): Change<boolean> => {
      const object = staying(live);
      const key = object === undefined ? undefined : keyOf(object, candidateKeys);
      const patch =
        object === undefined || key === undefined
          ? undefined
          : ofConfigMap(ref, () => patchOf(readConfigMap(object), key));
      if (patch !== undefined) writableConfigMap(object, ref);
      return { patch, result: patch !== undefined };
    },
  );
  return { retired: result, version: resourceVersion };
}

function keyOf(object: KubeObject, candidates: readonly string[]): string | undefined {
  return liveKey(readConfigMap(object).data, candidates);
}

function retireFromPolicy({ namespace, policy }: Inputs, operation: Operation): Promise<Retired> {
  return retireFrom(operation, namespace, policy, undefined, (map, key) =>
    configMapPatch(map, { [key]: retirePolicy(contentOf(map, key), policy) }),
  );
}

function retireFromReferenceValues(
  { namespace, referenceValues }: Inputs,
  operation: Operation,
): Promise<Retired> {
  const name = REFERENCE_VALUES_LEDGER_ANNOTATION;
  return retireFrom(operation, namespace, referenceValues, name, (map, key) => {
    const ledgers = readLedgers(own(map.annotations, name));
    const ledger = own(ledgers, key) ?? EMPTY_LEDGER;
    const left = retireDigests(key, contentOf(map, key), ledger, referenceValues.owner);
    const value = writeLedgers({ ...ledgers, [key]: left.ledger });
    return configMapPatch(map, { [key]: left.content }, { name, value });
  });
}

async function retire(want: Inputs, first: boolean, operation: Operation): Promise<PropertyMap> {
  if (operation.preview) return { revision: unknown };
  const values = await retireFromReferenceValues(want, operation);
  const policy = await retireFromPolicy(want, operation);
  // If a run is killed after its write, a rollout must follow too. So the versions count, not the writes.
  const none = first && !values.retired && !policy.retired;
  return { revision: none ? "" : `${values.version}/${policy.version}` };
}

/** Describes the previous initdata that Trustee still accepts. */
async function stillAccepted(want: Inputs, { kube }: Operation): Promise<string> {
  const [policy, values] = await Promise.all(
    [want.policy, want.referenceValues].map(({ configMap }) =>
      kube.get(configMapRef(want.namespace, configMap)),
    ),
  );
  const policyKey = policy === undefined ? undefined : keyOf(policy, want.policy.candidateKeys);
  const readers =
    policy === undefined || policyKey === undefined
      ? []
      : retiringReaders(contentOf(readConfigMap(policy), policyKey), want.policy);
  if (readers.length > 0)
    return `the previous initdata of ${readers.map((reader) => shownName(reader)).join(", ")} is still accepted`;
  const ledgers = readLedgers(values?.metadata.annotations?.[REFERENCE_VALUES_LEDGER_ANNOTATION]);
  const retiring = Object.values(ledgers).some(
    (ledger) => (own(ledger.retiring, want.referenceValues.owner) ?? []).length > 0,
  );
  return retiring ? "previous reference values are still accepted" : NO_DRIFT;
}

/**
 * Ends the grace period of a rotation: once the new pods are ready, it removes the previous claims from the
 * policy and the reference values. An interrupted rotation shows as drift, and the next run ends it.
 */
export const retirement: ResourceType<Inputs, Computed> = {
  inputs,
  computed,
  replaceOn: ["namespace"],
  derived: [],
  drifts: true,
  id: ({ namespace, policy }) => `${namespace}/${policy.stack}`,

  create: (want, operation) => retire(want, true, operation),

  read: async (want, state, operation) => ({
    computed: state,
    drift: await stillAccepted(want, operation),
  }),

  update: (want, _old, operation) => retire(want, false, operation),

  delete: () => Promise.resolve(),
};
