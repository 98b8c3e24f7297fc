import pLimit, { type LimitFunction } from "p-limit";
import { objectKey, type ObjectRef } from "../kube/objects.ts";

/**
 * One writer at a time for each object. The engine works on many resources at once, and all secrets of a stack are entries
 * of one KbsConfig: without turns they would conflict with one another, until some of them had used up their tries.
 */
export class Turns {
  readonly #of = new Map<string, LimitFunction>();

  async take<Result>(ref: ObjectRef, work: () => Promise<Result>): Promise<Result> {
    const object = objectKey(ref);
    const turn = this.#of.get(object) ?? pLimit(1);
    this.#of.set(object, turn);
    return turn(work);
  }
}
