import type { Clock } from "#base/clock.ts";

/** An open watch, as the set that keeps time for all of them sees it. */
export interface OpenWatch {
  /** Called about once a minute, when the client asked for bookmarks. */
  bookmark(): void;
  /** The time is up, or the server shuts down: end the stream properly. */
  end(): void;
}

interface Entry {
  readonly watch: OpenWatch;
  readonly bookmarks: boolean;
  readonly endsAtMs: number;
  nextBookmarkMs: number;
}

const tickMs = 1_000;
const bookmarkEveryMs = 60_000;
/** A last bookmark before the end spares the client's next watch the catching up (upstream: 2 s before). */
const lastBookmarkMs = 2_000;

/**
 * Keeps time for every open watch with one timer: bookmarks, time-outs, the end at shutdown. Memory is bounded by the
 * server's limit on connections and streams.
 */
export class WatchSet {
  readonly #clock: Clock;
  readonly #open = new Map<OpenWatch, Entry>();
  #cancelTick: (() => void) | undefined;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.size;
  }

  add(watch: OpenWatch, options: { readonly timeoutMs: number; readonly bookmarks: boolean }): void {
    if (this.#closed) {
      watch.end();
      return;
    }
    const nowMs = this.#clock.now();
    const endsAtMs = nowMs + options.timeoutMs;
    this.#open.set(watch, {
      watch,
      bookmarks: options.bookmarks,
      endsAtMs,
      nextBookmarkMs: Math.min(nowMs + bookmarkEveryMs, endsAtMs - lastBookmarkMs),
    });
    this.#cancelTick ??= this.#clock.after(tickMs, () => this.#tick());
  }

  delete(watch: OpenWatch): void {
    this.#open.delete(watch);
  }

  /** Ends all watches and refuses new ones. */
  close(): void {
    this.#closed = true;
    this.#cancelTick?.();
    for (const watch of [...this.#open.keys()]) watch.end();
    this.#open.clear();
  }

  #tick(): void {
    const nowMs = this.#clock.now();
    for (const entry of this.#open.values()) {
      if (nowMs >= entry.endsAtMs) {
        this.#open.delete(entry.watch);
        entry.watch.end();
      } else if (entry.bookmarks && nowMs >= entry.nextBookmarkMs) {
        const usual = nowMs + bookmarkEveryMs;
        const last = entry.endsAtMs - lastBookmarkMs;
        entry.nextBookmarkMs =
          entry.nextBookmarkMs >= last ? Number.POSITIVE_INFINITY : Math.min(usual, last);
        entry.watch.bookmark();
      }
    }
    this.#cancelTick =
      this.#open.size === 0 || this.#closed ? undefined : this.#clock.after(tickMs, () => this.#tick());
  }
}
