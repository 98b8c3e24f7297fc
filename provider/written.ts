import { objectKey, type ObjectRef } from "../kube/objects.ts";

/**
 * When this provider has written which object, by the API server's clock. The object itself does not always tell: a field manager
 * that has only taken fields away, as `destroy` does where nothing was there before, stands in its managedFields no more.
 */
export class Written {
  readonly #at = new Map<string, number>();

  note(ref: ObjectRef, at: Date): void {
    this.#at.set(objectKey(ref), Math.floor(at.getTime() / 1000));
  }

  /** Whole seconds since 1970; `undefined`: not since the provider was started. */
  lastOf(ref: ObjectRef): number | undefined {
    return this.#at.get(objectKey(ref));
  }
}
