/**
 * The two generations of Trustee in use. They differ in the keys of two ConfigMaps, in the format of the reference
 * values, in the name of the route and in who restarts the KBS. Found out from the live cluster, never assumed.
 */
export const generations = ["0.18", "0.21"] as const;

/** `0.18`: operators up to v0.18. `0.21`: operators from v0.19 on. */
export type Generation = (typeof generations)[number];

export interface GenerationFacts {
  /** The key of ConfigMap `trusteeconfig-resource-policy` that the operator mounts. */
  readonly policyKey: string;
  /** The key of ConfigMap `trusteeconfig-rvps-reference-values` that the operator mounts. */
  readonly referenceValuesKey: string;
  /** The OpenShift route to the KBS. */
  readonly route: string;
}

export const generationFacts: Readonly<Record<Generation, GenerationFacts>> = {
  "0.18": { policyKey: "policy.rego", referenceValuesKey: "reference-values.json", route: "kbs-service" },
  "0.21": { policyKey: "resource-policy.rego", referenceValuesKey: "reference_value", route: "kbs-route" },
};

/** What the operator names the things that we read and write. */
export const trusteeNames = {
  namespace: "trustee-operator-system",
  kbsConfig: "trusteeconfig-kbs-config",
  resourcePolicy: "trusteeconfig-resource-policy",
  referenceValues: "trusteeconfig-rvps-reference-values",
  attestationPolicy: "trusteeconfig-attestation-policy-cpu",
  deployment: "trustee-deployment",
  certificate: "trustee-tls-cert",
} as const;

/** Trustee's two ConfigMaps that a stack writes to. */
export interface ConfigMapNames {
  readonly policy: string;
  readonly referenceValues: string;
}

/** As the operator names them, unless the KbsConfig says otherwise. */
export const configMapNames: ConfigMapNames = {
  policy: trusteeNames.resourcePolicy,
  referenceValues: trusteeNames.referenceValues,
};

/**
 * The key among `candidates` that is live. With both present (a cluster that was upgraded keeps the old key), the
 * newest generation's wins, since that is the one its operator mounts; `candidates` stand newest first.
 * @returns `undefined` if none is there
 */
export function liveKey(
  data: Readonly<Record<string, string>> | undefined,
  candidates: readonly string[],
): string | undefined {
  return candidates.find((key) => data !== undefined && Object.hasOwn(data, key));
}

/** The keys of all generations for what `key` is for, newest first; none if it is no key of Trustee's. */
export function siblingKeys(key: string): readonly string[] {
  const facts = ["policyKey", "referenceValuesKey"] as const;
  const fact = facts.find((one) =>
    generations.some((generation) => generationFacts[generation][one] === key),
  );
  return fact === undefined ? [] : candidateKeys(fact);
}

/** Candidate keys for {@link liveKey}, newest generation first, or the one of a pinned generation. */
export function candidateKeys(
  fact: "policyKey" | "referenceValuesKey" | "route",
  pinned?: Generation,
): readonly string[] {
  const order: readonly Generation[] = pinned === undefined ? ["0.21", "0.18"] : [pinned];
  return order.map((generation) => generationFacts[generation][fact]);
}
