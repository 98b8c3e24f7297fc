/**
 * The two generations of Trustee in use, by which people call them, and which the sandbox plays. Nothing is decided by them: each
 * fact of a live Trustee is read for itself, see {@link ./seen.ts}.
 */
export const generations = ["0.18", "0.21"] as const;

/** `0.18`: operators up to v0.18. `0.21`: operators from v0.19 on. */
export type Generation = (typeof generations)[number];

export interface GenerationFacts {
  /** The key of the policy's ConfigMap that the operator mounts. */
  readonly policyKey: string;
  /** The key of the reference values' ConfigMap that the operator mounts. */
  readonly referenceValuesKey: string;
  /** The Route by which the sandbox exposes the KBS. */
  readonly route: string;
}

export const generationFacts: Readonly<Record<Generation, GenerationFacts>> = {
  "0.18": { policyKey: "policy.rego", referenceValuesKey: "reference-values.json", route: "kbs-service" },
  "0.21": { policyKey: "resource-policy.rego", referenceValuesKey: "reference_value", route: "kbs-route" },
};

/** The keys of the two ConfigMaps that Trustees are known to read, the newest first. */
export const knownKeys = {
  policy: ["resource-policy.rego", "policy.rego"],
  referenceValues: ["reference_value", "reference-values.json"],
} as const;

/** The Routes to the KBS that Red Hat's operator and the tutorial make. */
export const knownRoutes = ["kbs-route", "kbs-service"] as const;

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

/** The known keys for what `key` is for, newest first; none if it is none of them. */
export function siblingKeys(key: string): readonly string[] {
  const all: readonly (readonly string[])[] = Object.values(knownKeys);
  return all.find((keys) => keys.includes(key)) ?? [];
}
