import * as pulumi from "@pulumi/pulumi";
import type { Generation } from "../../core/trustee/generation.ts";

export interface GetTrusteeArgs {
  readonly namespace: string;
  readonly kbsConfig: string;
  readonly deployment: string;
  readonly certificateSecret: string;
  readonly resourcePolicy: string;
  readonly referenceValues: string;
  /** Where there is no route. */
  readonly url?: string | undefined;
  readonly generation?: Generation | undefined;
  /** Secrets that must be there already. */
  readonly existingSecrets: readonly string[];
  /** Secrets that this stack creates, and that must not be somebody else's. */
  readonly createdSecrets: readonly string[];
  /** `organization/project/stack`. */
  readonly stack: string;
}

export interface GetTrusteeResult {
  readonly url: string;
  /** PEM. */
  readonly certificate: string;
  readonly generation: Generation;
  readonly policyKey: string;
  readonly referenceValuesKey: string;
  /** The resource policy that is live. */
  readonly policy: string | null;
  /** `spec.kbsSecretResources` as it is. */
  readonly registeredSecrets: readonly string[];
}

/**
 * Reads the live Trustee, also at preview: a rotated certificate so shows as new initdata. Fails, before anything is
 * written, with every reason why this stack could not be put on this Trustee.
 */
export async function getTrustee(
  args: GetTrusteeArgs,
  opts?: pulumi.InvokeOptions,
): Promise<GetTrusteeResult> {
  try {
    const result: unknown = await pulumi.runtime.invoke(TOKEN, { ...args }, opts ?? {});
    return result as GetTrusteeResult;
  } catch (error) {
    // What the provider says is meant for the user as it is; the SDK's frame and stack around it are not.
    const message = error instanceof Error ? error.message : String(error);
    throw new pulumi.RunError(message.replace(`invocation of ${TOKEN} returned an error: `, ""));
  }
}

const TOKEN = "trustee:index:getTrustee";
