import { OPERATOR_PATIENCE, type RolloutView } from "./decide.ts";
import { seesAll } from "./observation.ts";

/** Whether the operator does not mount a Secret that it should, although it has had the time. */
export function isUnmounted({
  deployment,
  secrets,
  quietFor,
}: Pick<RolloutView, "deployment" | "secrets" | "quietFor">): boolean {
  return (
    quietFor >= OPERATOR_PATIENCE && secrets.some((secret) => !deployment.mountedSecrets.includes(secret))
  );
}

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
