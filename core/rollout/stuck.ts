import { OPERATOR_PATIENCE, type RolloutView } from "./decide.ts";
import { seesAll } from "./observation.ts";

/** Whether the operator has not mounted a required Secret although it had the time. */
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
 * True if all pods already run the current configuration but one has not become Ready for a while. Restarting
 * again would not help.
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
