/** Turns by key. As many wait as there are requests in flight, which the server bounds. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<void>>();

  /** Resolves when all that took the key before have released it. The answer must be called; twice does no harm. */
  async take(key: string): Promise<() => void> {
    const before = this.#tails.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tails.set(key, promise);
    promise.then(() => {
      if (this.#tails.get(key) === promise) this.#tails.delete(key);
    });
    await before;
    return resolve;
  }
}
