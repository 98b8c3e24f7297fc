/** The classes of the local provider `trustee`; one file each. */
export { GeneratedValue, type GeneratedValueArgs } from "./generated-value.ts";
export { getInitdata } from "./get-initdata.ts";
export { getPodCluster } from "./get-pod-cluster.ts";
export { getTrustee, type GetTrusteeArgs, type GetTrusteeResult } from "./get-trustee.ts";
export { KbsSecretEntry, type KbsSecretEntryArgs } from "./kbs-secret-entry.ts";
export { Provider, type ProviderArgs } from "./provider.ts";
export { ReferenceValues, type ReferenceValuesArgs } from "./reference-values.ts";
export { ResourcePolicy, type ResourcePolicyArgs } from "./resource-policy.ts";
export { Retirement, type RetirementArgs } from "./retirement.ts";
export { Rollout, type RolloutArgs } from "./rollout.ts";
