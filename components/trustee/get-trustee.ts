import type * as pulumi from "@pulumi/pulumi";
import type { StackGrants } from "../../core/policy/grants.ts";
import { trusteeNames, type Generation } from "../../core/trustee/generation.ts";
import { stackName } from "../stack-name.ts";
import { invoke } from "./invoke.ts";

/** Which Trustee, and what a stack is about to do on it. Every name defaults to the operator's own. */
export interface GetTrusteeArgs {
  readonly namespace?: string | undefined;
  readonly kbsConfig?: string | undefined;
  readonly deployment?: string | undefined;
  /** @default the Secret that the KbsConfig names, or that the operator has copied it from: `trustee-tls-cert` */
  readonly certificateSecret?: string | undefined;
  /**
   * The CA that has issued the KBS's certificate: PEM, or `public` for one that the guests know. @default `ca.crt` of the Secret; a
   * self-signed certificate is trusted itself
   */
  readonly certificateAuthority?: string | undefined;
  /** The ConfigMap of the policy. @default the one that the KbsConfig names */
  readonly resourcePolicy?: string | undefined;
  /** The ConfigMap of the reference values. @default the one that the KbsConfig names */
  readonly referenceValues?: string | undefined;
  /** Goes before any Route. @default the Route's host, by https */
  readonly url?: string | undefined;
  /** The key of the policy's ConfigMap, for where it cannot be seen which one Trustee reads. @default a known one that is there */
  readonly policyKey?: string | undefined;
  /** The same of the reference values' ConfigMap. */
  readonly referenceValuesKey?: string | undefined;
  /** Both keys at once: those of operators up to v0.18, or from v0.19 on. */
  readonly generation?: Generation | undefined;
  /** Whether any initdata is generated: without it nobody has to be told of a certificate. @default true */
  readonly generatesInitdata?: boolean | undefined;
  /** Secrets that must be there already. @default none */
  readonly existingSecrets?: readonly string[] | undefined;
  /** Secrets that this stack creates, and that must not be somebody else's. @default none */
  readonly createdSecrets?: readonly string[] | undefined;
  /** `organization/project/stack`. @default this stack */
  readonly stack?: string | undefined;
  /** What the stack's state tells it from another one of this name by. @default nothing */
  readonly identity?: string | undefined;
}

export interface GetTrusteeResult {
  readonly url: string;
  /** What the guests are to trust, PEM: the KBS's own certificate if it is self-signed, else its CA's. Absent: what they know. */
  readonly certificate?: string;
  /** What the KBS serves, PEM, its own certificate first; null: that is not known. @default `certificate` */
  readonly servedCertificate?: string | null;
  /** The Secret that they are from. Absent: from none. */
  readonly certificateSecret?: string;
  /** The KbsConfig that was found. */
  readonly kbsConfig: string;
  /** For people: `0.18` for operators up to v0.18, else `0.21`. Nothing is decided by it. */
  readonly generation: string;
  /** The ConfigMap of the policy, as the KbsConfig names it. */
  readonly policyConfigMap: string;
  /** The ConfigMap of the reference values, as the KbsConfig names it. */
  readonly referenceValuesConfigMap: string;
  readonly policyKey: string;
  readonly referenceValuesKey: string;
  /** The resource policy that is live. */
  readonly policy: string | null;
  /** The reference values that are live, in the format of their key. */
  readonly referenceValues: string | null;
  /** Bytes of the values beside {@link policyKey} in its ConfigMap. */
  readonly policyOtherBytes: number;
  /** Bytes of the values beside {@link referenceValuesKey} in its ConfigMap. */
  readonly referenceValuesOtherBytes: number;
  /** Every annotation of the ConfigMap of the reference values, the record of our digests among them. */
  readonly referenceValuesAnnotations: Readonly<Record<string, string>>;
  /** The lines of other stacks that the policy has lost, as they come back with the next write. @default none */
  readonly vanished?: readonly StackGrants[];
  /** `spec.kbsSecretResources` as it is. */
  readonly registeredSecrets: readonly string[];
  /** Those of them that do not exist. */
  readonly missingSecrets: readonly string[];
  /** Secret -> the names of its keys, where they can be seen: of those that are registered, or declared as existing. */
  readonly secretKeys: Readonly<Record<string, readonly string[]>>;
}

/**
 * Reads the live Trustee, also at preview: a rotated certificate that guests trust itself so shows as new initdata. Fails, before anything is
 * written, with every reason why this stack could not be put on this Trustee.
 */
export async function getTrustee(
  args: GetTrusteeArgs = {},
  opts?: pulumi.InvokeOptions,
): Promise<GetTrusteeResult> {
  const inputs = {
    namespace: args.namespace ?? trusteeNames.namespace,
    kbsConfig: args.kbsConfig ?? trusteeNames.kbsConfig,
    deployment: args.deployment ?? trusteeNames.deployment,
    certificateSecret: args.certificateSecret,
    certificateAuthority: args.certificateAuthority,
    resourcePolicy: args.resourcePolicy,
    referenceValues: args.referenceValues,
    url: args.url,
    policyKey: args.policyKey,
    referenceValuesKey: args.referenceValuesKey,
    generation: args.generation,
    generatesInitdata: args.generatesInitdata ?? true,
    existingSecrets: args.existingSecrets ?? [],
    createdSecrets: args.createdSecrets ?? [],
    stack: args.stack ?? stackName(),
    identity: args.identity,
  };
  return (await invoke("trustee:index:getTrustee", inputs, opts)) as GetTrusteeResult;
}
