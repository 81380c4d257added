import type { Clock } from "#base/clock.ts";
import type { Revision } from "#storage/port.ts";

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Items processed side by side. */
  readonly concurrency: number;
  /** Brings the item to rest; a throw is tried again, later each time. */
  process(item: string): Promise<void>;
  onError(item: string, error: unknown): void;
  /** Called when an item was finished. */
  onDone(): void;
}

interface Item {
  /** The earliest change that asked for it and is not yet worked off. */
  revision: Revision;
  failures: number;
  running: boolean;
  /** Asked for again while it ran. */
  again: Revision | undefined;
  cancelRetry: (() => void) | undefined;
}

const firstRetryMs = 50;
const maxRetryMs = 60_000;

/** A queue of names without duplicates: each is processed by one worker at a time, and again if asked for meanwhile. */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #items = new Map<string, Item>();
  readonly #ready: string[] = [];
  #running = 0;
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Items that wait, run or will be tried again. */
  get size(): number {
    return this.#items.size;
  }

  add(name: string, revision: Revision): void {
    if (this.#closed) return;
    const item = this.#items.get(name);
    if (item === undefined) {
      this.#items.set(name, {
        revision,
        failures: 0,
        running: false,
        again: undefined,
        cancelRetry: undefined,
      });
      this.#ready.push(name);
      this.#start();
    } else if (item.running) {
      item.again ??= revision;
    } else if (item.cancelRetry !== undefined) {
      // News about a failing item: try at once.
      item.cancelRetry();
      item.cancelRetry = undefined;
      this.#ready.push(name);
      this.#start();
    }
  }

  /** The smallest revision that is not worked off; undefined when there is nothing to do. */
  oldest(): Revision | undefined {
    let oldest: Revision | undefined;
    for (const { revision } of this.#items.values())
      if (oldest === undefined || revision < oldest) oldest = revision;
    return oldest;
  }

  /** Takes no more, and waits for what runs. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#ready.length = 0;
    for (const item of this.#items.values()) item.cancelRetry?.();
    while (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  readonly #idle: (() => void)[] = [];

  #start(): void {
    while (this.#running < this.#options.concurrency && !this.#closed) {
      const name = this.#ready.shift();
      if (name === undefined) return;
      const item = this.#items.get(name);
      if (item === undefined || item.running) continue;
      item.running = true;
      this.#running++;
      this.#options.process(name).then(
        () => this.#finished(name, item, undefined),
        (error: unknown) => this.#finished(name, item, error),
      );
    }
  }

  #finished(name: string, item: Item, error: unknown): void {
    this.#running--;
    item.running = false;
    if (this.#closed) {
      // What is not at rest stays, so that the stored position does not pass it.
      if (error === undefined && item.again === undefined) this.#items.delete(name);
      else if (error === undefined && item.again !== undefined) item.revision = item.again;
    } else if (error !== undefined) {
      this.#options.onError(name, error);
      const delay = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(item.failures++, 20));
      item.again = undefined;
      item.cancelRetry = this.#options.clock.after(delay, () => {
        item.cancelRetry = undefined;
        this.#ready.push(name);
        this.#start();
      });
    } else if (item.again !== undefined) {
      item.revision = item.again;
      item.again = undefined;
      item.failures = 0;
      this.#ready.push(name);
    } else {
      this.#items.delete(name);
    }
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
    this.#options.onDone();
    this.#start();
  }
}
