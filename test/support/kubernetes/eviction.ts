import { disrupted } from "./api-error.ts";
import { fieldsAt } from "./fields.ts";
import { isReady } from "./pods.ts";
import type { Store, Stored, Target } from "./store.ts";

/**
 * Deletes a pod, unless a disruption budget forbids it.
 * @throws ApiError 429
 */
export function evict(store: Store, target: Target): void {
  const pod = store.need(target);
  const guarded = (budget: Stored, each: Stored): boolean =>
    Object.entries(fieldsAt(budget, "spec", "selector", "matchLabels")).every(
      ([label, value]) => each.metadata.labels?.[label] === value,
    );
  for (const budget of store.list("PodDisruptionBudget", target.namespace)) {
    if (!guarded(budget, pod)) continue;
    const healthy = store
      .list("Pod", target.namespace)
      .filter((each) => guarded(budget, each) && isReady(each)).length;
    const needed = Number(fieldsAt(budget, "spec")["minAvailable"]);
    if (isReady(pod) && healthy <= needed) throw disrupted(budget.metadata.name, needed, healthy);
  }
  store.delete(target);
}
