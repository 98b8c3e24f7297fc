import { currentClaims, grantsTo, podReader, type Reader } from "../core/plan/reader.ts";
import type { PlannedPod } from "../core/plan/pod.ts";
import { EVERY_KEY, tableOf, type GrantTable } from "../core/policy/grants.ts";
import type { Rotation } from "../core/policy/rotation.ts";

/** A pod that may read a secret. */
export interface PodGrant {
  readonly secret: string;
  /** @default every key */
  readonly key?: string;
  /** From `planConfidentialPod`. */
  readonly pod: PlannedPod;
}

/** What planned pods mean for the policy and for a rotation. */
export interface PlannedGrants {
  /** For `grants` of a {@link ResourcePolicy}. */
  readonly secrets: GrantTable;
  /** For `rotation`. */
  readonly current: Rotation["current"];
}

/**
 * Computes the grants of planned pods, with each claim in every spelling that Trustee may report.
 * @param pods all pods of the stack, also those without a grant
 * @param restricted secrets to restrict even without a reader. @default none
 */
export function planGrants(
  pods: readonly PlannedPod[],
  grants: readonly PodGrant[],
  restricted: readonly string[] = [],
): PlannedGrants {
  const readerOf = (pod: PlannedPod): Reader => podReader(pod, pod.declaration.id);
  const table = grants.flatMap(({ secret, key = EVERY_KEY, pod }) => grantsTo(readerOf(pod), secret, key));
  return { secrets: tableOf(restricted, table), current: currentClaims(pods.map(readerOf)) };
}
