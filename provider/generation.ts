import type { Issues } from "../core/issues.ts";
import {
  generationFacts,
  generations,
  liveKey,
  candidateKeys,
  type Generation,
} from "../core/trustee/generation.ts";
import type { ConfigMap } from "./config-map.ts";

function generationOf(
  map: ConfigMap | undefined,
  fact: "policyKey" | "referenceValuesKey",
): Generation | undefined {
  const key = liveKey(map?.data, candidateKeys(fact));
  return generations.find((generation) => generationFacts[generation][fact] === key);
}

/**
 * The generation of the live Trustee, by the keys of its two ConfigMaps: where only one of them has a known key, that
 * one says it.
 * @param pinned a setting that says it outright
 * @returns the newest one beside an issue, if the cluster does not say or contradicts itself
 */
export function findGeneration(
  maps: { readonly policy: ConfigMap | undefined; readonly values: ConfigMap | undefined },
  pinned: Generation | undefined,
  issues: Issues,
): Generation {
  if (pinned !== undefined) return pinned;
  const byPolicy = generationOf(maps.policy, "policyKey");
  const byValues = generationOf(maps.values, "referenceValuesKey");
  const found = byPolicy ?? byValues;
  const contradicts = byPolicy !== undefined && byValues !== undefined && byPolicy !== byValues;
  if (found !== undefined && !contradicts) return found;
  // Without the ConfigMaps there is another issue already, which says more.
  if (maps.policy !== undefined && maps.values !== undefined) {
    issues.add({
      path: "trustee.generation",
      given: contradicts
        ? `a policy for Trustee ${byPolicy} beside reference values for Trustee ${byValues}`
        : "ConfigMaps that hold none of the keys that a Trustee reads",
      allowed: generations.join(" or "),
      mend: "Set trustee.generation to what the operator is: 0.18 up to v0.18, 0.21 from v0.19 on.",
    });
  }
  return found ?? "0.21";
}
