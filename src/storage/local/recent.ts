import type { Revision } from "../port.ts";

/** Most values that are kept at one time. */
const maxRecent = 1_024;

/**
 * What was read at the newest revision: read again before the next one is announced, it would be the same. Requests of one moment look
 * at the same few keys (their workspace, namespace and definition), each several times.
 */
export class Recent<V> {
  readonly #values = new Map<string, V>();
  #at: Revision | undefined;

  /** Undefined when it was not read at this revision. */
  get(key: string, at: Revision): V | undefined {
    return at === this.#at ? this.#values.get(key) : undefined;
  }

  set(key: string, at: Revision, value: V): void {
    if (at !== this.#at) {
      this.#values.clear();
      this.#at = at;
    }
    if (this.#values.size < maxRecent) this.#values.set(key, value);
  }

  /** For when a revision will not mean the same any more. */
  forget(): void {
    this.#at = undefined;
  }
}
