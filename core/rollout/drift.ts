import { isSettled, type RolloutView } from "./decide.ts";
import { isOlder, type ChangedObject } from "./observation.ts";

/**
 * Our own changes that some KBS pod has certainly not seen: a run was killed between its write and the
 * rollout, or a repair was applied elsewhere. Nothing is certain during a rollout, or for a pod of the same
 * second as the change.
 */
export function unseenChanges(
  view: Pick<RolloutView, "deployment" | "pods">,
  ours: readonly ChangedObject[],
): readonly ChangedObject[] {
  if (!isSettled(view)) return [];
  const pods = view.pods.filter((pod) => !pod.terminating);
  return ours.filter((change) => pods.some((pod) => isOlder(pod, change)));
}

/** The finding for a preview; `undefined` if there is none. */
export function describeUnseen(unseen: readonly ChangedObject[]): string | undefined {
  if (unseen.length === 0) return undefined;
  const names = unseen.map(({ kind, name }) => `${kind} ${name}`);
  return `a KBS pod is older than the last write to ${names.join(", ")}`;
}
