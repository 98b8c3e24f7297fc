/** This project as a library for other Pulumi programs: see docs/library.md. */
export {
  ConfidentialPod,
  planConfidentialPod,
  type ConfidentialPodArgs,
  type PodArgs,
} from "./confidential-pod.ts";
export type { SecretValues } from "./configuration.ts";
export type { Clusters } from "./clusters.ts";
export {
  declareTrusteeAccess,
  type DeclaredTrusteeAccess,
  type TrusteeAccessDeclaration,
} from "./declare.ts";
export { KbsSecret, type KbsSecretArgs, type SecretData } from "./kbs-secret.ts";
export { planGrants, type PlannedGrants, type PodGrant } from "./pod-grants.ts";
export type { ExtraSpec } from "./pod-template.ts";
export type { PodOutput, StackOutputs, TrusteeOutput } from "./outputs.ts";
export { program } from "./program.ts";
export { ReferenceValues, type ReferenceValuesArgs } from "./reference-values.ts";
export { ResourcePolicy, type ResourcePolicyArgs } from "./resource-policy.ts";
export { stackIdentity, type StackIdentity } from "./stack-identity.ts";
export type { TrusteeAccess } from "./trustee-access.ts";
export {
  InitdataRotation,
  TrusteeRestoration,
  TrusteeRollout,
  type InitdataRotationArgs,
  type TrusteeRestorationArgs,
  type TrusteeRolloutArgs,
} from "./rollouts.ts";
export {
  GeneratedValue,
  getTrustee,
  Provider as TrusteeProvider,
  type GeneratedValueArgs,
  type GetTrusteeArgs,
  type GetTrusteeResult,
  type ProviderArgs as TrusteeProviderArgs,
} from "./trustee/index.ts";
export type { AccessMatrix, AccessReport } from "../core/access/matrix.ts";
export type { OtherReader } from "../core/access/other-readers.ts";
export { IssuesError } from "../core/issues.ts";
export type { Plan } from "../core/plan/plan.ts";
export type { KbsEndpoint, PlannedPod } from "../core/plan/pod.ts";
export { EVERY_KEY, type GrantTable, type OtherSecrets, type StackGrants } from "../core/policy/grants.ts";
export type { Digests } from "../core/reference-values/merge.ts";
export type { Rotation } from "../core/policy/rotation.ts";
export type { SettingsInput } from "../core/settings/schema.ts";
export type { Generation } from "../core/trustee/generation.ts";
export type { TrusteeKeys } from "../core/trustee/seen.ts";
