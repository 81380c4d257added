/** Long work in slices: other requests have their turn between two of them. */
export class Pacer {
  readonly #sliceMs: number;
  #since = performance.now();

  constructor(sliceMs = 8) {
    this.#sliceMs = sliceMs;
  }

  /** The slice is used up: time for {@link turn}. */
  get isOver(): boolean {
    return performance.now() - this.#since >= this.#sliceMs;
  }

  /** A promise to wait for when the slice is used up, else undefined. */
  turn(): Promise<void> | undefined {
    if (!this.isOver) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#since = performance.now();
        resolve();
      });
    });
  }
}
