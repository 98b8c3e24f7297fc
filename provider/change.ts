import { KubeError } from "../kube/errors.ts";
import { guardedPatch, type FieldPath } from "../kube/guarded-patch.ts";
import { objectKey, type KubeObject, type ObjectRef } from "../kube/objects.ts";
import { unknown, type Unknown } from "./protocol/index.ts";
import type { Operation } from "./resource.ts";

/** What a merge makes of an object as it is now. */
export interface Change<Result> {
  /** A JSON merge patch; `undefined`: it is as it should be, nothing is written. */
  readonly patch: Readonly<Record<string, unknown>> | undefined;
  readonly result: Result;
}

export interface Changed<Result> {
  readonly result: Result;
  /** Whether it was written, or in a preview: would be. */
  readonly wrote: boolean;
  /** The object's version now; in a preview that would write: the one before. */
  readonly resourceVersion: string;
}

/**
 * Waits before the next try after somebody else was faster, in milliseconds: 24 tries, which wait ten seconds in all. Every
 * second try comes at once: it begins right behind the write that it lost to, and so has all the time that the other one leaves
 * between two writes. The waits between grow, each by another amount, so that two writers do not keep in step.
 */
const WAITS = [20, 50, 100, 200, 350, 550, 900, 1250, 1700, 2250, 2630]
  .flatMap((wait) => [0, wait])
  .concat(0);

/** After so many conflicts over the object as a whole, only what the merge builds on has to be as it was read. */
const WHOLE_TRIES = 4;

/** What to change: an object, and the fields of it that the merge looks at. */
export interface Target {
  readonly ref: ObjectRef;
  readonly basis: readonly FieldPath[];
}

/**
 * Reads an object, merges, and writes what has to change with the version that was read. Where somebody else has
 * written in between, it reads and merges again. Against somebody who never stops writing it then holds on to the
 * fields alone that it builds on, so that only a change of these is a conflict. Other resources of the same run wait for their turn.
 * @param merge pure; may throw, then nothing is written. It is called once a try
 * @throws Error if somebody else was faster each time
 */
export async function changeObject<Result>(
  operation: Operation,
  target: Target,
  merge: (live: KubeObject | undefined) => Change<Result>,
): Promise<Changed<Result>> {
  const change = async (): Promise<Changed<Result>> => changeInTurn(operation, target, merge);
  return operation.preview ? change() : operation.turns.take(objectKey(target.ref), change);
}

async function changeInTurn<Result>(
  operation: Operation,
  { ref, basis }: Target,
  merge: (live: KubeObject | undefined) => Change<Result>,
): Promise<Changed<Result>> {
  const { kube, signal, preview, clock } = operation;
  for (const [tries, wait] of [...WAITS, undefined].entries()) {
    const live = await kube.get(ref);
    const { patch, result } = merge(live);
    const resourceVersion = live?.metadata.resourceVersion ?? "";
    if (patch === undefined || live === undefined || preview) {
      return { result, wrote: patch !== undefined, resourceVersion };
    }
    try {
      const written =
        tries < WHOLE_TRIES
          ? await kube.patch(ref, patch, resourceVersion)
          : await kube.patchGuarded(ref, guardedPatch(live, basis, patch));
      operation.written.note(ref, kube.serverTime ?? clock.now());
      return { result, wrote: true, resourceVersion: written.metadata.resourceVersion ?? "" };
    } catch (error) {
      if (!(error instanceof KubeError) || error.failure !== "conflict") throw error;
      if (wait === undefined) throw exhausted(ref, error);
      await clock.sleep(wait, signal);
    }
  }
  throw new Error("unreachable: the last try returns or throws");
}

function exhausted(ref: ObjectRef, cause: KubeError): Error {
  return new Error(
    `Somebody else keeps changing ${ref.kind} "${ref.name}" in namespace "${ref.namespace}": ` +
      `${WAITS.length + 1} tries to write it found it changed since it was read. ` +
      "Nothing of theirs was overwritten. Find who writes it (kubectl get --show-managed-fields), then run again.",
    { cause },
  );
}

/**
 * The version that a resource's last write made, for what has to follow a write: a rollout. A write whose answer was
 * never seen counts with the version at which its result is found.
 * @param asBefore whether the state says already that this resource wrote what is there
 */
export function revisionAfter(
  changed: Changed<unknown>,
  asBefore: string | undefined,
  operation: Operation,
): string | Unknown {
  if (changed.wrote) return operation.preview ? unknown : changed.resourceVersion;
  return asBefore ?? changed.resourceVersion;
}
