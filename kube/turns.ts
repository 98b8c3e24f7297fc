/** Serializes work on the same thing. Work on different things does not wait. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` after all earlier work on `thing` has ended, even if it failed. */
  async take<Result>(thing: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(thing) ?? Promise.resolve();
    const turn = before.then(work);
    this.#last.set(
      thing,
      turn.catch(() => undefined),
    );
    return turn;
  }
}
