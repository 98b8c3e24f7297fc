/** Lets those who want the same thing have it one after the other. */
export class Locks {
  readonly #tails = new Map<string, Promise<unknown>>();

  async with<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(name) ?? Promise.resolve();
    const own = before.then(work, work);
    this.#tails.set(
      name,
      own.catch(() => undefined),
    );
    return own;
  }
}
