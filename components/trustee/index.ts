/** The resources and functions of the local provider `trustee`. */
export { GeneratedValue, type GeneratedValueArgs } from "./generated-value.ts";
export { getTrustee, type GetTrusteeArgs, type GetTrusteeResult } from "./get-trustee.ts";
export { KbsSecretEntry, type KbsSecretEntryArgs } from "./kbs-secret-entry.ts";
export { Provider, type ProviderArgs } from "./provider.ts";
export { ReferenceValues, type ReferenceValuesArgs } from "./reference-values.ts";
export { ResourcePolicy, type ResourcePolicyArgs } from "./resource-policy.ts";
export { Retirement, type RetirementArgs } from "./retirement.ts";
export { Rollout, type RolloutArgs } from "./rollout.ts";
