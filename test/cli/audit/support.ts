import type { ConfigMapFacts, LiveFacts, PolicyAnswer, TrusteeFacts } from "../../../cli/audit/facts.ts";
import { explain, type CellFacts } from "../../../cli/explain/explain.ts";
import type { LogLine } from "../../../cli/explain/log.ts";
import { placeText } from "../../../cli/lint/finding.ts";
import { lint } from "../../../cli/lint/lint.ts";
import { lintQuestions, questionKey, type PolicyQuestion } from "../../../cli/questions/questions.ts";
import { facts, healthyTrustee, NOW, podFixture, referenceValues } from "../../fixtures/live-facts.ts";

export const LATER = "2035-01-01T00:00:00Z";
export const POLICY = "ConfigMap trustee-operator-system/trusteeconfig-resource-policy";
export const VALUES = "ConfigMap trustee-operator-system/trusteeconfig-rvps-reference-values";
export const IMAGE_POLICY =
  'note TA005 Secret trustee-operator-system/trustee-image-policy: Every attested pod may read "trustee-image-policy", an image policy that pods need to start.';

/** pod3 asks for p2-secret, which it is not granted. */
export const base: CellFacts = {
  trustee: healthyTrustee,
  podName: "default/pod3",
  pod: podFixture("pod3"),
  secret: "p2-secret",
  key: "secret",
  answers: { kind: "answers", byQuestion: new Map() },
  log: [],
};

/** A ConfigMap that the KBS has read. */
function configMap(name: string, key: string, text: string): ConfigMapFacts {
  return { name, data: { [key]: text }, changedAt: NOW - 8000, resourceVersion: "1" };
}

export function withPolicy(text: string, key = "policy.rego"): TrusteeFacts & { policy: ConfigMapFacts } {
  return { ...healthyTrustee, policy: configMap("trusteeconfig-resource-policy", key, text) };
}

/** A healthy Trustee with other reference values. @param values as text, or entries that expire late */
export function withValues(values: string | Readonly<Record<string, readonly string[]>>) {
  const text =
    typeof values === "string"
      ? values
      : referenceValues(Object.entries(values).map(([name, digests]) => [name, LATER, digests] as const));
  const map = configMap("trusteeconfig-rvps-reference-values", "reference-values.json", text);
  return { ...healthyTrustee, referenceValues: map };
}

export function withAttestationPolicy(text: string, trustee: TrusteeFacts = healthyTrustee): TrusteeFacts {
  const map = configMap("trusteeconfig-attestation-policy-cpu", "default_cpu.rego", text);
  return { ...trustee, attestationPolicy: map };
}

/** A Trustee whose attestation policy this account must not read. */
export const unseen = ({ attestationPolicy: _, ...trustee }: TrusteeFacts): TrusteeFacts => trustee;

/** A healthy Trustee whose KBS pod was created before the last changes. */
export function withOldKbs(changes: Partial<TrusteeFacts["kbsPods"][number]> = {}): TrusteeFacts {
  const kbsPods = healthyTrustee.kbsPods.map((pod) => ({ ...pod, createdAt: NOW - 8500, ...changes }));
  return { ...healthyTrustee, kbsPods };
}

/** The log of one KBS pod, a line a second. @param start seconds */
export const logOf = (text: string, start = NOW - 60): readonly LogLine[] =>
  text.split("\n").map((line, index) => ({ at: (start + index) * 1000, text: line }));

/** An explanation as lines: the verdict and its reason, each condition that does not hold, the next steps. */
export function explained(changes: Partial<CellFacts>): readonly string[] {
  const { verdict, because, conditions, next } = explain({ ...base, ...changes });
  const open = conditions.filter(({ status }) => status !== "holds");
  return [`${verdict}: ${because}`, ...open.map(({ id, status }) => `${id} ${status}`), ...next];
}

/** The findings of lint as lines, without why and how to fix it. @param about a part of the wanted lines */
export const lines = (given: LiveFacts, about: string | RegExp = ""): readonly string[] =>
  lint(given)
    .map(({ id, severity, where, what }) => `${severity} ${id} ${placeText(where)}: ${what}`)
    .filter((line) => (typeof about === "string" ? line.includes(about) : about.test(line)));

/** A foreign policy with a Rego engine's answers. */
export function foreign(
  policy: string,
  says: (question: PolicyQuestion) => PolicyAnswer = () => false,
  changes: Partial<TrusteeFacts> = {},
): LiveFacts {
  const given = facts({ ...withPolicy(policy), ...changes });
  const asked = lintQuestions(given.trustee, given.pods);
  const byQuestion = new Map(asked.map((question) => [questionKey(question), says(question)]));
  return { ...given, answers: { kind: "answers", byQuestion } };
}
