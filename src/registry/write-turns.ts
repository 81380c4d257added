/**
 * Turns at one object. Writes compare and try again, so one that takes long (webhooks are asked, objects are converted by
 * one) loses against others that write the same object all the time, such as a controller that chases its own changes.
 * Whoever has lost often asks the others of this process to wait. Upstream has nothing like it: there the slow writer
 * goes on until its request times out (apiserver pkg/storage/etcd3/store.go GuaranteedUpdate).
 */
import type { Clock } from "#base/clock.ts";
import type { Key } from "#storage/port.ts";

/** Lost tries after which a writer asks the others to wait. */
const patience = 8;
/** Tries against writers elsewhere; each lost one means that somebody else's write succeeded. */
const maxAttempts = 256;
/** Others wait so long at most: what is being written may depend on them, as a webhook that writes the same object. */
const longestWaitMs = 2_000;

export class WriteTurns {
  readonly #clock: Clock;
  /** Who has the turn; one entry for each request that has lost often. */
  readonly #taken = new Map<Key, Promise<void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Tries a write of `key` until nobody was faster.
   * @param once undefined: somebody was
   * @returns undefined after 256 lost tries
   */
  async write<T>(key: Key, once: () => Promise<T | undefined>): Promise<T | undefined> {
    let release: (() => void) | undefined;
    try {
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        if (release === undefined) {
          const other = this.#taken.get(key);
          if (other !== undefined) await this.#waitFor(other);
          if (attempt >= patience) release = this.#take(key);
        }
        const result = await once();
        if (result !== undefined) return result;
      }
      return undefined;
    } finally {
      release?.();
    }
  }

  #take(key: Key): (() => void) | undefined {
    if (this.#taken.has(key)) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#taken.set(key, promise);
    return () => {
      this.#taken.delete(key);
      resolve();
    };
  }

  #waitFor(other: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(longestWaitMs, resolve);
      void other.then(() => {
        cancel();
        resolve();
      });
    });
  }
}
