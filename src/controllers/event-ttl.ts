/** Events live for an hour (kube-apiserver `--event-ttl`); the store keeps an index of their age. */
import type { Clock } from "#base/clock.ts";
import { eventAgeIndex } from "#registry/key-space.ts";
import type { Registry } from "#registry/registry.ts";
import { timestamp } from "#registry/system-fields.ts";
import type { IndexEntry } from "#storage/port.ts";

const eventTtlMs = 3_600_000;
const sweepEveryMs = 30_000;
const sweepBatch = 100;

/** Removes expired events from time to time, in bounded transactions. One timer for the whole server. */
export class EventTtl {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  #cancel: (() => void) | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(registry: Registry, clock: Clock, onError: (error: unknown) => void) {
    this.#registry = registry;
    this.#clock = clock;
    this.#onError = onError;
  }

  start(): void {
    this.#cancel = this.#clock.after(sweepEveryMs, () => {
      this.#sweeping = this.sweep().then(() => undefined, this.#onError);
      this.#sweeping.finally(() => {
        if (!this.#closed) this.start();
      });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#sweeping;
  }

  /** Removes every event older than the time to live; answers how many. */
  async sweep(): Promise<number> {
    const { store } = this.#registry;
    const end = eventAgeIndex + timestamp(this.#clock.now() - eventTtlMs);
    let removed = 0;
    let after: IndexEntry | undefined;
    while (!this.#closed) {
      const page = store.indexEntries(eventAgeIndex, end, sweepBatch, after);
      const compare = page.map(({ key }) => ({ key, revision: store.revisionOf(key) }));
      if (page.length > 0) {
        const operations = page.map(({ key }) => ({ type: "delete" as const, key }));
        // A changed event makes the batch fail; it is tried again with the next sweep.
        const result = await store.commit({ compare, operations });
        if (result.ok) removed += page.length;
      }
      if (page.length < sweepBatch) return removed;
      after = page[page.length - 1];
    }
    return removed;
  }
}
