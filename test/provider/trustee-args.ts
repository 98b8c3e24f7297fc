import { trusteeNames } from "../../core/trustee/generation.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";

/** The stack that asks. */
export const STACK = "org/project/dev";

/** What `getTrustee` is asked for: a Trustee by the operator's names, and no secrets. */
export function trusteeArgs(namespace: string = trusteeNames.namespace, more: PropertyMap = {}): PropertyMap {
  return {
    namespace,
    kbsConfig: trusteeNames.kbsConfig,
    deployment: trusteeNames.deployment,
    certificateSecret: trusteeNames.certificate,
    resourcePolicy: trusteeNames.resourcePolicy,
    referenceValues: trusteeNames.referenceValues,
    existingSecrets: [],
    createdSecrets: [],
    stack: STACK,
    ...more,
  };
}
