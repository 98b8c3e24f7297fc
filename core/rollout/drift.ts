import { isSettled, type RolloutView } from "./decide.ts";
import { isOlder, type ChangedObject } from "./observation.ts";

/**
 * Which of our own changes a KBS pod is sure not to have seen: a run was killed between its write and the rollout for it, or
 * a repair was applied without our hearing of it. While the Deployment is being rolled out nothing is sure, so that is
 * none; nor is a pod of the very second of the change.
 */
export function unseenChanges(
  view: Pick<RolloutView, "deployment" | "pods">,
  ours: readonly ChangedObject[],
): readonly ChangedObject[] {
  if (!isSettled(view)) return [];
  const pods = view.pods.filter((pod) => !pod.terminating);
  return ours.filter((change) => pods.some((pod) => isOlder(pod, change)));
}

/** In words for a preview; `undefined` if there is none. */
export function describeUnseen(unseen: readonly ChangedObject[]): string | undefined {
  if (unseen.length === 0) return undefined;
  const names = unseen.map(({ kind, name }) => `${kind} ${name}`);
  return `a KBS pod is older than what we last wrote to ${names.join(", ")}`;
}
