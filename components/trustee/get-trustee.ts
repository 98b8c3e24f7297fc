import * as pulumi from "@pulumi/pulumi";
import type { StackGrants } from "../../core/policy/grants.ts";
import { UserError } from "../../core/issues.ts";
import type { LiveTrustee } from "../../core/preflight/guard.ts";
import { defined } from "../../core/records.ts";
import { trusteeNames, type Generation } from "../../core/trustee/generation.ts";
import { invoke } from "./invoke.ts";

/** `organization/project/stack`, the name of the stack's lines in shared objects. */
export function stackName(): string {
  return `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
}

/** Selects a Trustee, and names what a stack will do on it. Names default to the operator's own. */
export interface GetTrusteeArgs {
  readonly namespace?: string | undefined;
  readonly kbsConfig?: string | undefined;
  readonly deployment?: string | undefined;
  /** @default the Secret that the KbsConfig names, or its source `trustee-tls-cert` */
  readonly certificateSecret?: string | undefined;
  /**
   * The CA of the KBS's certificate: PEM, or `public` for a CA that guests know. @default `ca.crt` of the
   * Secret; a self-signed certificate is trusted itself
   */
  readonly certificateAuthority?: string | undefined;
  /** Takes precedence over any Route. @default `https://` and the Route's host */
  readonly url?: string | undefined;
  /**
   * The key of the policy's ConfigMap, if the cluster does not show which one Trustee reads. @default a known
   * key that exists
   */
  readonly policyKey?: string | undefined;
  /** The same for the ConfigMap of the reference values. */
  readonly referenceValuesKey?: string | undefined;
  /** Sets both keys: those of operators up to v0.18, or from v0.19 on. */
  readonly generation?: Generation | undefined;
  /** Whether any initdata is generated. If not, no certificate is needed. @default true */
  readonly generatesInitdata?: boolean | undefined;
  /** Secrets that must exist. @default none */
  readonly existingSecrets?: readonly string[] | undefined;
  /** Secrets that this stack creates, and that must not belong to others. @default none */
  readonly createdSecrets?: readonly string[] | undefined;
  /** `organization/project/stack`. @default this stack */
  readonly stack?: string | undefined;
  /** The stack's identity, which tells it from another stack of the same name. @default none */
  readonly identity?: string | undefined;
}

export interface GetTrusteeResult extends LiveTrustee {
  /** The KbsConfig that was found. */
  readonly kbsConfig: string;
  /** For display only: `0.18` for operators up to v0.18, else `0.21`. */
  readonly generation: string;
  /** The ConfigMap of the policy, as the KbsConfig names it. */
  readonly policyConfigMap: string;
  /** The ConfigMap of the reference values, as the KbsConfig names it. */
  readonly referenceValuesConfigMap: string;
  readonly policyKey: string;
  /** Lines of other stacks that the policy has lost. The next write restores them. @default none */
  readonly vanished?: readonly StackGrants[];
}

const UNKNOWN_CLUSTER =
  "This preview does not know the kubeconfig or context of the provider trustee yet, so the live Trustee cannot be read. " +
  "Create the cluster in a stack of its own first, then preview again.";

/**
 * Reads the live Trustee, also at preview: a rotated self-signed certificate shows as new initdata. Before
 * anything is written, fails with all reasons why this stack cannot be deployed on this Trustee.
 */
export async function getTrustee(
  args: GetTrusteeArgs = {},
  opts?: pulumi.InvokeOptions,
): Promise<GetTrusteeResult> {
  const { namespace, kbsConfig, deployment } = trusteeNames;
  const unset = { generatesInitdata: true, existingSecrets: [], createdSecrets: [], stack: stackName() };
  const inputs = { namespace, kbsConfig, deployment, ...unset, ...defined(args) };
  const found = (await invoke("trustee:index:getTrustee", inputs, opts)) as Partial<GetTrusteeResult>;
  // In a preview that does not know the provider's settings, the engine answers for it, with nothing.
  if (found.policyKey === undefined)
    throw new pulumi.RunError(new UserError("TA831", UNKNOWN_CLUSTER).message);
  return found as GetTrusteeResult;
}
