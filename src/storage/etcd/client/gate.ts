import { EtcdError, grpcCode } from "./grpc-error.ts";

/** Lets a bounded number of calls through at once; a bounded number waits in line; more are refused. */
export class Gate {
  readonly #limit: number;
  readonly #queueLimit: number;
  #running = 0;
  #waiting: (() => void)[] = [];
  #next = 0;

  constructor(limit: number, queueLimit: number) {
    this.#limit = limit;
    this.#queueLimit = queueLimit;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#waiting.length - this.#next;
  }

  /** Runs `task` when its turn comes. Rejects with {@link EtcdError} (nothing happened) when the line is full. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limit) {
      if (this.queued >= this.#queueLimit) {
        throw new EtcdError(
          grpcCode.resourceExhausted,
          `more than ${this.#queueLimit} calls to etcd are waiting`,
          false,
        );
      }
      // The one who ends hands its place over, so #running stays.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await task();
    } finally {
      const next = this.#waiting[this.#next];
      if (next === undefined) {
        this.#running--;
      } else {
        this.#next++;
        if (this.#next > 1_024 || this.#next === this.#waiting.length) {
          this.#waiting = this.#waiting.slice(this.#next);
          this.#next = 0;
        }
        next();
      }
    }
  }
}
