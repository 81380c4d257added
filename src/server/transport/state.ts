import type { Clock } from "#base/clock.ts";
import type { BaseExchange } from "./base-exchange.ts";
import type { BodyBudget } from "./body.ts";

interface WatchedAnswer {
  unsent: number;
  since: number;
}

/** What all exchanges of one server share. */
export class TransportState {
  /** Exchanges begun and not closed. */
  open = 0;
  readonly budget: BodyBudget;
  readonly onBug: (error: unknown) => void;
  readonly #clock: Clock;
  readonly #stalledMs: number;
  readonly #watched = new Map<BaseExchange, WatchedAnswer>();
  #sweeping = false;
  #onIdle: (() => void) | undefined;

  constructor(clock: Clock, budget: BodyBudget, stalledMs: number, onBug: (error: unknown) => void) {
    this.#clock = clock;
    this.budget = budget;
    this.#stalledMs = stalledMs;
    this.onBug = onBug;
  }

  exchangeClosed(exchange: BaseExchange): void {
    this.open--;
    if (this.#watched.size > 0) this.#watched.delete(exchange);
    if (this.open === 0) this.#onIdle?.();
  }

  /** Calls back when no exchange is open; at once when none is. */
  whenIdle(callback: () => void): void {
    if (this.open === 0) callback();
    else this.#onIdle = callback;
  }

  /** Cuts the exchange off when nothing of its answer moves any more. */
  watchAnswer(exchange: BaseExchange): void {
    this.#watched.set(exchange, { unsent: Number.POSITIVE_INFINITY, since: this.#clock.now() });
    this.#scheduleSweep();
  }

  #scheduleSweep(): void {
    if (this.#sweeping || this.#watched.size === 0) return;
    this.#sweeping = true;
    this.#clock.after(Math.ceil(this.#stalledMs / 4), () => this.#sweep());
  }

  #sweep(): void {
    this.#sweeping = false;
    const now = this.#clock.now();
    for (const [exchange, watched] of this.#watched) {
      const unsent = exchange.unsentBytes;
      if (unsent < watched.unsent) {
        watched.unsent = unsent;
        watched.since = now;
      } else if (now - watched.since >= this.#stalledMs) exchange.abort();
    }
    this.#scheduleSweep();
  }
}
