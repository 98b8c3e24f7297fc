import { messageOf, own } from "../records.ts";
import { readDocument, type ReferenceValuesDocument } from "../reference-values/document.ts";
import {
  candidateKeys,
  generationFacts,
  generations,
  liveKey,
  type Generation,
} from "../trustee/generation.ts";
import type { ConfigMapFacts, StackFacts, TrusteeFacts } from "./facts.ts";

type Fact = "policyKey" | "referenceValuesKey";

function byKey(map: ConfigMapFacts | undefined, fact: Fact): Generation | undefined {
  const key = liveKey(map?.data, candidateKeys(fact));
  return generations.find((generation) => generationFacts[generation][fact] === key);
}

/** What tells a Trustee's generation and its policy. */
export type PolicySide = Pick<TrusteeFacts, "mounts" | "policy" | "referenceValues">;

/** The generation of a Trustee: what its Deployment mounts; where that cannot be seen, by the keys that there are. */
export function generationOf(trustee: PolicySide): Generation {
  return (
    trustee.mounts ??
    byKey(trustee.policy, "policyKey") ??
    byKey(trustee.referenceValues, "referenceValuesKey") ??
    "0.21"
  );
}

/** A text that Trustee reads, with where it is. */
export interface LiveText {
  readonly map: string;
  readonly key: string;
  /** `undefined`: the ConfigMap or its key is not there. */
  readonly text: string | undefined;
}

function liveText(map: ConfigMapFacts | undefined, name: string, key: string): LiveText {
  return { map: map?.name ?? name, key, text: own(map?.data, key) };
}

/** The resource policy that Trustee reads. */
export function livePolicy(trustee: PolicySide): LiveText {
  const { policyKey } = generationFacts[generationOf(trustee)];
  return liveText(trustee.policy, "trusteeconfig-resource-policy", policyKey);
}

/** The reference values that Trustee reads. */
export function liveReferenceValues(trustee: TrusteeFacts): LiveText & {
  readonly document?: ReferenceValuesDocument;
  /** Why it cannot be read. */
  readonly problem?: string;
} {
  const { referenceValuesKey } = generationFacts[generationOf(trustee)];
  const live = liveText(trustee.referenceValues, "trusteeconfig-rvps-reference-values", referenceValuesKey);
  if (live.text === undefined) return live;
  try {
    return { ...live, document: readDocument(live.key, live.text) };
  } catch (error) {
    return { ...live, problem: messageOf(error) };
  }
}

/**
 * Entries for digests of initdata: those that the stack writes, where one is known, and those whose names say so. Other entries
 * hold measurements of the boot, which no pod's initdata makes.
 */
export function isInitdataEntry(name: string, stack: StackFacts | undefined): boolean {
  return (
    stack?.entries.includes(name) === true ||
    /(^|[._-])pcr_?0?8$|init_?data|host_?data|mr_?config_?id/i.test(name)
  );
}
