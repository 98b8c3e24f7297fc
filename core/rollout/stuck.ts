import { OPERATOR_PATIENCE, type RolloutView } from "./decide.ts";
import { seesAll } from "./observation.ts";

/**
 * Whether nothing moves any more although every pod is made for what is there now: then something keeps one of them from
 * becoming Ready, and a restart would bring the same again.
 */
export function isStuck({
  pods,
  changes,
  quietFor,
}: Pick<RolloutView, "pods" | "changes" | "quietFor">): boolean {
  const staying = pods.filter((pod) => !pod.terminating);
  return (
    quietFor >= OPERATOR_PATIENCE &&
    staying.some((pod) => !pod.ready) &&
    staying.every((pod) => seesAll(pod, changes))
  );
}
