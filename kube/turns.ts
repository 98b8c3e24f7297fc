/** Lets those who want the same thing have it one after the other; those who want different things do not wait. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` once all that wanted `thing` before are done, whether they failed or not. */
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
