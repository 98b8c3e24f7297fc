import { UserError } from "../core/issues.ts";
import { KubeError } from "../kube/errors.ts";
import { guardedPatch, type FieldPath } from "../kube/guarded-patch.ts";
import { objectKey, type KubeObject, type ObjectRef } from "../kube/objects.ts";
import { unknown, type Unknown } from "./protocol/index.ts";
import type { Operation } from "./resource.ts";

/** The result of a merge with the live object. */
export interface Change<Result> {
  /** A JSON merge patch, or `undefined` if there is nothing to write. */
  readonly patch: Readonly<Record<string, unknown>> | undefined;
  readonly result: Result;
}

export interface Changed<Result> {
  readonly result: Result;
  /** Whether the object was written, or would be in a preview. */
  readonly wrote: boolean;
  /** The object's version after the write; in a preview, before it. */
  readonly resourceVersion: string;
}

/**
 * Waits before the next try after a conflict, in milliseconds: 24 tries, with ten seconds of waits in all.
 * Every second try follows at once: it starts right after the write it lost to, so it has the whole time
 * until the next one. The other waits grow by different amounts, so that two writers do not stay in step.
 */
const WAITS = [20, 50, 100, 200, 350, 550, 900, 1250, 1700, 2250, 2630]
  .flatMap((wait) => [0, wait])
  .concat(0);

/** After this many conflicts on the whole object, only the fields that the merge reads must be unchanged. */
const WHOLE_TRIES = 4;

type Merge<Result> = (live: KubeObject | undefined) => Change<Result> | Promise<Change<Result>>;

/** An object to change, and the fields that the merge reads. */
export interface Target {
  readonly ref: ObjectRef;
  readonly basis: readonly FieldPath[];
}

/**
 * Reads an object, merges, and writes the result with the version that was read:
 * - After a conflict, it reads and merges again.
 * - If another client never stops writing, only a change of the fields that the merge reads is a conflict.
 * - Other resources of the same run wait for their turn.
 * @param merge writes nothing; called once per try. What it reads is read after the object. If it throws,
 *   nothing is written
 * @throws UserError if every try met a conflict
 */
export async function changeObject<Result>(
  operation: Operation,
  target: Target,
  merge: Merge<Result>,
): Promise<Changed<Result>> {
  const change = async (): Promise<Changed<Result>> => changeInTurn(operation, target, merge);
  return operation.preview ? change() : operation.turns.take(objectKey(target.ref), change);
}

async function changeInTurn<Result>(
  operation: Operation,
  { ref, basis }: Target,
  merge: Merge<Result>,
): Promise<Changed<Result>> {
  const { kube, signal, preview, clock } = operation;
  for (const [tries, wait] of [...WAITS, undefined].entries()) {
    const live = await kube.get(ref);
    const { patch, result } = await merge(live);
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

function exhausted(ref: ObjectRef, cause: KubeError): UserError {
  return new UserError(
    "TA815",
    `Another client keeps changing ${ref.kind} "${ref.name}" in namespace "${ref.namespace}": ` +
      `${WAITS.length + 1} tries to write it met a conflict. ` +
      "None of its changes was overwritten. Find the client (kubectl get --show-managed-fields), then run again.",
    { cause },
  );
}

/**
 * The version after this resource's last write, for the rollout that must follow it. If the answer to a write
 * was lost, this is the version at which its result was found.
 * @param asBefore the revision in the state, if the state already holds what is live
 */
export function revisionAfter(
  changed: Changed<unknown>,
  asBefore: string | undefined,
  operation: Operation,
): string | Unknown {
  if (changed.wrote) return operation.preview ? unknown : changed.resourceVersion;
  return asBefore ?? changed.resourceVersion;
}

/**
 * The revision of the last write that kept previous claims accepted, for the retirement that must follow it.
 * @param overlaps whether this write keeps some
 */
export function overlapAfter(
  overlaps: boolean,
  revision: string | Unknown,
  old: { readonly computed: { readonly overlapRevision: string } } | undefined,
): string | Unknown {
  return overlaps ? revision : (old?.computed.overlapRevision ?? "");
}
