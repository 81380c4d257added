/**
 * Has garbage collected when a burst of requests is over. V8 does it while a program goes on allocating; when nothing happens any more,
 * it keeps some 130 MiB. There is one timer, after the start, which leaves garbage too, and while requests come.
 */
import type { Clock } from "#base/clock.ts";

/** Between two looks. */
const lookMs = 10_000;
/** At most so many requests between two looks are quiet: probes and the like. */
const quietRequests = 20;
/** Fewer since the last collection have left little behind. */
const burstRequests = 1_000;

export class IdleCollector {
  readonly #clock: Clock;
  readonly #collect: () => void;
  /** Since the last collection (the start counts as a burst), and as many of them as were there at the last look. */
  #requests = burstRequests;
  #seen = burstRequests;
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(clock: Clock, collect: () => void) {
    this.#clock = clock;
    this.#collect = collect;
    this.#wait();
  }

  onRequest(): void {
    this.#requests++;
    if (this.#cancel === undefined) this.#wait();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  #wait(): void {
    if (!this.#closed) this.#cancel = this.#clock.after(lookMs, () => this.#look());
  }

  #look(): void {
    const isQuiet = this.#requests - this.#seen <= quietRequests;
    this.#seen = this.#requests;
    if (!isQuiet) {
      this.#wait();
      return;
    }
    // The next request begins anew.
    this.#cancel = undefined;
    if (this.#requests < burstRequests) return;
    this.#requests = 0;
    this.#seen = 0;
    this.#collect();
  }
}
