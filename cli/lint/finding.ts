import { byString, defined } from "../../core/records.ts";
import type { PodFacts, TrusteeFacts } from "../audit/facts.ts";
import { livePolicy } from "../audit/trustee-view.ts";

export const severities = ["error", "warning", "note"] as const;
export type Severity = (typeof severities)[number];

/** Every rule with its short description. An id is never reused for another rule. */
export const rules = {
  TA001: "The policy lets every attested pod read every secret",
  TA002: "The policy does not compile",
  TA003: "The policy gives secrets to pods that do not attest well",
  TA004: "The policy allows an unexpected path format",
  TA005: "Every attested pod may read a secret",
  TA006: "The policy fails with an error on a normal request",
  TA007: "The policy was not evaluated",
  TA008: "The policy checks only one submod",
  TA009: "The policy's rules do not match its stacks' grants",
  TA010: "The policy grants a secret to a reader without hardware attestation",
  TA011: "The policy does not bind a reader to its TEE",
  TA012: "The policy has lost the grants of a stack",
  TA013: "The policy depends on values that only real evidence has",
  TA014: "The policy allows no request",
  TA015: "The policy exceeds a limit of the KBS's policy engine",
  TA101: "The policy names a digest that no running pod has",
  TA102: "The reference values hold a digest that no running pod has",
  TA103: "A running pod's digest is in no reference value",
  TA104: "A pod's initdata cannot be read",
  TA105: "A pod's initdata may have been edited after its start",
  TA106: "A pod cannot fetch what its guest needs to start",
  TA107: "Some runtimes cannot read a pod's initdata annotation",
  TA108: "A pod's TEE does not bind initdata as its stack declares",
  TA201: "A reference value has expired",
  TA202: "A reference value expires soon",
  TA203: "The reference values cannot be read",
  TA204: "Trustee ignores a reference value",
  TA301: "A registered secret does not exist",
  TA302: "The policy restricts a secret that the KBS does not serve",
  TA303: "The operator cannot mount a registered secret",
  TA401: "A ConfigMap lacks the key that Trustee reads",
  TA402: "A ConfigMap holds a key that Trustee does not read",
  TA403: "An update of Red Hat's operator will delete the policy",
  TA404: "The KBS does not read the policy's ConfigMap",
  TA501: "Trustee has not read the last change",
  TA502: "No pod of Trustee is ready",
} as const;
export type RuleId = keyof typeof rules;

/** Where a finding is: a part of a Kubernetes object. */
export interface Place {
  readonly kind: "ConfigMap" | "Secret" | "KbsConfig" | "Deployment" | "Pod";
  readonly namespace: string;
  readonly name: string;
  /** A key of its data or a field. */
  readonly part?: string;
  /** In the key's text, from 1. */
  readonly line?: number;
}

/** A ConfigMap of Trustee. @param part a key of its data */
export function mapPlace({ namespace }: Pick<TrusteeFacts, "namespace">, name: string, part?: string): Place {
  return { kind: "ConfigMap", namespace, name, ...defined({ part }) };
}

/** The resource policy that Trustee reads. */
export function policyPlace(trustee: TrusteeFacts): Place {
  const { map, key } = livePolicy(trustee);
  return mapPlace(trustee, map, key);
}

export function podPlace({ namespace, name }: PodFacts): Place {
  return { kind: "Pod", namespace, name };
}

/** A problem that lint found. Machines identify it by id and place. */
export interface Finding {
  readonly id: RuleId;
  readonly severity: Severity;
  readonly where: Place;
  /** Distinguishes it from other findings of its rule at its place; the same in every run. */
  readonly about?: readonly string[];
  /** What was found, in one sentence. */
  readonly what: string;
  /** Why it matters. */
  readonly why: string;
  /** How to fix it, in the imperative. */
  readonly fix: string;
}

/** For example `ConfigMap trustee-operator-system/trusteeconfig-resource-policy, policy.rego line 12`. */
export function placeText({ kind, namespace, name, part, line }: Place): string {
  const detail = [part, line === undefined ? undefined : `line ${line}`].filter((one) => one !== undefined);
  return `${kind} ${namespace}/${name}${detail.length === 0 ? "" : `, ${detail.join(" ")}`}`;
}

/** By severity, worst first; then by id and place. */
export function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  const rank = ({ id, severity, where: { line: _, ...place } }: Finding): string =>
    `${severities.indexOf(severity)} ${id} ${placeText(place)}`;
  return [...findings].sort((a, b) => byString(rank(a), rank(b)));
}

/** Whether a severity is `limit` or worse. */
export function isAtLeast(severity: Severity, limit: Severity): boolean {
  return severities.indexOf(severity) <= severities.indexOf(limit);
}
