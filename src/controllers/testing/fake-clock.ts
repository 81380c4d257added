import type { Clock } from "#base/clock.ts";

/** Time that passes when a test says so. */
export class FakeClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  #timers = new Map<number, { at: number; callback: () => void }>();
  #next = 0;

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const id = this.#next++;
    this.#timers.set(id, { at: this.#now + delayMs, callback });
    return () => this.#timers.delete(id);
  }

  /** Runs what is due within `ms`, in order, and what follows of it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const [first] = [...this.#timers].sort(([a, { at: x }], [b, { at: y }]) => x - y || a - b);
      if (first === undefined || first[1].at > end) break;
      this.#timers.delete(first[0]);
      this.#now = Math.max(this.#now, first[1].at);
      first[1].callback();
      await settle();
    }
    this.#now = end;
  }
}

/** Lets everything run that waits for no timer. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}
