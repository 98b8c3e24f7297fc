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
  /** Where there is no route. */
  readonly url?: string | undefined;
  readonly generation?: Generation | undefined;
  /** Secrets that must be there already. @default none */
  readonly existingSecrets?: readonly string[] | undefined;
  /** Existing secret -> the keys that it should have. @default any */
  readonly keys?: Readonly<Record<string, readonly string[]>> | undefined;
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
  /** What the KBS serves, PEM, its own certificate first. @default `certificate` */
  readonly servedCertificate?: string;
  readonly generation: Generation;
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
  /** Existing secret that lacks one of the `keys` asked for -> the names of those that it has. @default none is seen to lack one */
  readonly secretKeys?: Readonly<Record<string, readonly string[]>>;
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
    certificateSecret: args.certificateSecret ?? trusteeNames.certificate,
    certificateAuthority: args.certificateAuthority,
    resourcePolicy: args.resourcePolicy,
    referenceValues: args.referenceValues,
    url: args.url,
    generation: args.generation,
    existingSecrets: args.existingSecrets ?? [],
    keys: args.keys,
    createdSecrets: args.createdSecrets ?? [],
    stack: args.stack ?? stackName(),
    identity: args.identity,
  };
  return (await invoke("trustee:index:getTrustee", inputs, opts)) as GetTrusteeResult;
}
