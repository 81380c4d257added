import type { Watch, WatchOptions } from "../port.ts";

/** The open watches of a store, so that they can be ended when the replica beneath them is replaced. */
export class WatchSet {
  readonly #open = new Set<{ readonly inner: Watch; readonly onEnd: (error: Error) => void }>();

  get size(): number {
    return this.#open.size;
  }

  /** Opens a watch with `start` and remembers it. */
  add(options: WatchOptions, start: (options: WatchOptions) => Watch): Watch {
    const inner = start({
      ...options,
      onEnd: (error) => {
        this.#open.delete(entry);
        options.onEnd(error);
      },
    });
    const entry = { inner, onEnd: (error: Error) => options.onEnd(error) };
    this.#open.add(entry);
    return {
      requestProgress: () => inner.requestProgress(),
      close: () => {
        this.#open.delete(entry);
        inner.close();
      },
    };
  }

  endAll(error: Error): void {
    for (const entry of [...this.#open]) {
      if (!this.#open.delete(entry)) continue;
      entry.inner.close();
      entry.onEnd(error);
    }
  }
}
