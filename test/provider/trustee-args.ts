import { trusteeNames } from "../../core/trustee/generation.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";

/** The calling stack. */
export const STACK = "org/project/dev";

/** The arguments of `getTrustee` for a Trustee with the operator's names and no secrets. */
export function trusteeArgs(namespace: string = trusteeNames.namespace, more: PropertyMap = {}): PropertyMap {
  return {
    namespace,
    kbsConfig: trusteeNames.kbsConfig,
    deployment: trusteeNames.deployment,
    certificateSecret: trusteeNames.certificate,
    existingSecrets: [],
    createdSecrets: [],
    stack: STACK,
    ...more,
  };
}
