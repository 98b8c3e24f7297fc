/**
 * The two generations of Trustee in use, as people call them and as the sandbox plays them. No decision uses
 * them: each fact is read from the live Trustee, see {@link ./seen.ts}.
 */
export const generations = ["0.18", "0.21"] as const;

/** `0.18`: operators up to v0.18. `0.21`: operators from v0.19 on. */
export type Generation = (typeof generations)[number];

export interface GenerationFacts {
  /** The key of the policy's ConfigMap that the operator mounts. */
  readonly policyKey: string;
  /** The key of the reference values' ConfigMap that the operator mounts. */
  readonly referenceValuesKey: string;
  /** The Route with which the sandbox exposes the KBS. */
  readonly route: string;
}

export const generationFacts: Readonly<Record<Generation, GenerationFacts>> = {
  "0.18": { policyKey: "policy.rego", referenceValuesKey: "reference-values.json", route: "kbs-service" },
  "0.21": { policyKey: "resource-policy.rego", referenceValuesKey: "reference_value", route: "kbs-route" },
};

/** The known keys of both ConfigMaps, newest first. */
export const knownKeys = {
  policy: ["resource-policy.rego", "policy.rego"],
  referenceValues: ["reference_value", "reference-values.json"],
} as const;

/** The Routes to the KBS that Red Hat's operator and the tutorial create. */
export const knownRoutes = ["kbs-route", "kbs-service"] as const;

/** The operator's names of the objects that we read and write. */
export const trusteeNames = {
  namespace: "trustee-operator-system",
  kbsConfig: "trusteeconfig-kbs-config",
  resourcePolicy: "trusteeconfig-resource-policy",
  referenceValues: "trusteeconfig-rvps-reference-values",
  attestationPolicy: "trusteeconfig-attestation-policy-cpu",
  deployment: "trustee-deployment",
  certificate: "trustee-tls-cert",
} as const;

/** The two ConfigMaps of Trustee that a stack writes. */
export interface ConfigMapNames {
  readonly policy: string;
  readonly referenceValues: string;
}

/** The operator's names, which the KbsConfig can override. */
export const configMapNames: ConfigMapNames = {
  policy: trusteeNames.resourcePolicy,
  referenceValues: trusteeNames.referenceValues,
};

/**
 * The live key among `candidates`, newest first. If both exist (an upgraded cluster keeps the old key), the
 * newest one is used, since its operator mounts that.
 * @returns `undefined` if there is none
 */
export function liveKey(
  data: Readonly<Record<string, string>> | undefined,
  candidates: readonly string[],
): string | undefined {
  return candidates.find((key) => data !== undefined && Object.hasOwn(data, key));
}

/** All known keys with the same purpose as `key`, newest first; empty for an unknown key. */
export function siblingKeys(key: string): readonly string[] {
  const all: readonly (readonly string[])[] = Object.values(knownKeys);
  return all.find((keys) => keys.includes(key)) ?? [];
}
