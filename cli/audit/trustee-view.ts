import { own } from "../../core/records.ts";
import { shownName } from "../../core/shown.ts";
import {
  readDocument,
  type Entry,
  type ReferenceValuesDocument,
} from "../../core/reference-values/document.ts";
import type { ReferenceValue } from "../../core/trustee/format.ts";
import { configMapNames, knownKeys } from "../../core/trustee/generation.ts";
import { textOf } from "../../core/issues.ts";
import { resolveKeys, type TrusteeKeys } from "../../core/trustee/seen.ts";
import type { ConfigMapFacts, RegoSyntax, StackFacts, TrusteeFacts } from "./facts.ts";
import { readGenerated, type GeneratedPolicy } from "./policy-text.ts";

/** The facts that show Trustee's policy and the keys that it reads. */
export type PolicySide = Pick<TrusteeFacts, "seen" | "names" | "policy" | "referenceValues">;

/** The keys that Trustee reads: the mounted ones, else the existing ones, else the newest known ones. */
export function keysOf({ seen = {}, policy, referenceValues }: PolicySide): TrusteeKeys {
  const data = { policy: policy?.data, referenceValues: referenceValues?.data };
  const { policyKey, referenceValuesKey } = resolveKeys(seen, data);
  return {
    policyKey: policyKey ?? knownKeys.policy[0],
    referenceValuesKey: referenceValuesKey ?? knownKeys.referenceValues[0],
  };
}

/** How a kind of KBS passes a path to the policy, and the syntax that it reads. */
export interface KbsKind {
  readonly syntax: RegoSyntax;
  readonly shape: "string" | "array";
}

/**
 * The kinds of KBS that may read the policy, the usual one first: up to v0.16 with a string and Rego v0, from
 * v0.17 on with an array and Rego v1. Operators v0.17 and v0.18 pair the older keys with the newer KBS, so
 * these keys alone do not decide it.
 */
export function kbsKinds(trustee: PolicySide): readonly [KbsKind, ...KbsKind[]] {
  const [older, newer]: readonly [KbsKind, KbsKind] = [
    { syntax: "v0", shape: "string" },
    { syntax: "v1", shape: "array" },
  ];
  const form = trustee.seen?.pathForm;
  if (form !== undefined) return [form === "string" ? older : newer];
  return keysOf(trustee).policyKey === knownKeys.policy[0] ? [newer] : [older, newer];
}

/** The command that restarts the KBS. An operator that records the versions of ConfigMaps would remove a restart annotation. */
export function restartCommand({ namespace, deployment, kbsPods }: TrusteeFacts): string {
  return kbsPods.some(({ configMapVersions }) => configMapVersions !== undefined)
    ? `kubectl delete pod -n ${namespace} -l app=kbs`
    : `kubectl rollout restart deployment/${deployment} -n ${namespace}`;
}

/** A text that Trustee reads, and its place. */
export interface LiveText {
  readonly map: string;
  readonly key: string;
  /** `undefined`: the ConfigMap or its key does not exist. */
  readonly text: string | undefined;
}

function liveText(map: ConfigMapFacts | undefined, name: string, key: string): LiveText {
  return { map: map?.name ?? name, key, text: own(map?.data, key) };
}

/** The resource policy that Trustee reads. */
export function livePolicy(trustee: PolicySide): LiveText {
  const { policy } = trustee.names ?? configMapNames;
  return liveText(trustee.policy, policy, keysOf(trustee).policyKey);
}

/** The grants of the live policy, if it is an unedited one of this project. */
export function liveGrants(trustee: PolicySide): GeneratedPolicy | undefined {
  return readGenerated(livePolicy(trustee).text ?? "");
}

/** An entry as Trustee uses it. */
export interface LiveEntry extends ReferenceValue {
  /** All its values. `values` has only those that Trustee finds. */
  readonly held: readonly string[];
  readonly dead?: Dead;
}

/** Why Trustee ignores an entry; `shadowed`: another entry has the same name. */
export interface Dead {
  readonly kind: "unread" | "shadowed" | "no list";
  /** The part of a sentence after the entry's name. */
  readonly words: string;
}

/** The reference values that Trustee reads. */
export interface LiveValues extends LiveText {
  /** Absent: Trustee can read none. */
  readonly entries?: readonly LiveEntry[];
  /** Why Trustee can read none. */
  readonly problem?: string;
  /** All entries, if they can be parsed. In the list, one unreadable entry makes Trustee reject all. */
  readonly written?: readonly Entry[];
}

function deadOf(entry: Entry, { format, entries }: ReferenceValuesDocument): Dead | undefined {
  const { name, form, flaw } = entry;
  if (flaw !== undefined) return { kind: "unread", words: flaw };
  const [counts, which] = format === "list" ? (["find", "first"] as const) : (["findLast", "last"] as const);
  if (entries[counts]((one) => one.name === name) !== entry) {
    return { kind: "shadowed", words: `occurs twice, and only the ${which} counts` };
  }
  if (form === "list") return undefined;
  return { kind: "no list", words: `has ${form === "text" ? "a lone text" : "no list"} as its value` };
}

function liveEntry(entry: Entry, document: ReferenceValuesDocument): LiveEntry {
  const { name, expiration, values } = entry;
  const dead = deadOf(entry, document);
  return { name, expiration, held: values, ...(dead === undefined ? { values } : { values: [], dead }) };
}

export function liveReferenceValues(trustee: TrusteeFacts): LiveValues {
  const { referenceValues } = trustee.names ?? configMapNames;
  const live = liveText(trustee.referenceValues, referenceValues, keysOf(trustee).referenceValuesKey);
  if (live.text === undefined) return live;
  if (live.text.trim() === "") {
    const problem = `The reference values under the key "${live.key}" cannot be read: there is no text.`;
    return { ...live, problem };
  }
  try {
    const document = readDocument(live.key, live.text);
    const written = document.entries;
    const first = document.format === "list" ? written.find(({ flaw }) => flaw !== undefined) : undefined;
    if (first !== undefined) {
      const problem = `no reference value can be read, since ${shownName(first.name)} ${first.flaw ?? ""}`;
      return { ...live, written, problem };
    }
    return { ...live, written, entries: written.map((entry) => liveEntry(entry, document)) };
  } catch (error) {
    return { ...live, problem: textOf(error) };
  }
}

/**
 * Whether an entry is for digests of initdata, by the stack or its name. Other entries hold boot measurements.
 */
export function isInitdataEntry(name: string, stack: StackFacts | undefined): boolean {
  return (
    stack?.entries.includes(name) === true ||
    /(^|[._-])pcr_?0?8$|init_?data|host_?data|mr_?config_?id/i.test(name)
  );
}
