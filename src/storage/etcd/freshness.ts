/**
 * Proof that the local copy is as new as every answered write: etcd's revision, from a linearizable read, and the
 * replica's having reached it (the design of Kubernetes' KEP-2340, consistent reads from cache).
 */
import type { Clock } from "#base/clock.ts";
import { StoreUnavailableError } from "../port.ts";
import type { EtcdClient } from "./client/client.ts";
import { safeNumber } from "./client/messages.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import { ForeignStoreError } from "./etcd-txn.ts";
import type { Replica } from "./replica.ts";

/** Events are usually faster than this; only then progress is asked for ... */
const firstProgressMs = 3;
/** ... and again this often. */
const nextProgressMs = 50;
/** Without any sign of life for so long, the watch is opened anew. */
const silenceMs = 2_000;

export interface FreshnessOptions {
  readonly client: EtcdClient;
  readonly keys: EtcdKeys;
  readonly replica: Replica;
  readonly clock: Clock;
  /** Time for etcd's answer, and again for the replica to catch up with it. */
  readonly deadlineMs: number;
}

interface Waiter {
  readonly mod: number;
  readonly until: number;
  resolve(mod: number): void;
  reject(error: Error): void;
}

export class Freshness {
  readonly #client: EtcdClient;
  readonly #keys: EtcdKeys;
  readonly #replica: Replica;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  #running: Promise<number> | undefined;
  #next: Promise<number> | undefined;
  #seen = 0;
  #waiters: Waiter[] = [];

  constructor(options: FreshnessOptions) {
    this.#client = options.client;
    this.#keys = options.keys;
    this.#replica = options.replica;
    this.#clock = options.clock;
    this.#deadlineMs = options.deadlineMs;
  }

  /** The newest revision of etcd that was heard of. */
  get seen(): number {
    return Math.max(this.#seen, this.#replica.applied);
  }

  /** Takes note of a revision that etcd answered. */
  note(mod: number): void {
    if (mod > this.#seen) this.#seen = mod;
  }

  /**
   * Resolves with etcd's revision, once the replica has reached it. One read runs at a time; who comes while it runs
   * shares the next one, since its answer may be older than the write that this caller knows of.
   * Rejects with {@link StoreUnavailableError}.
   */
  reach(): Promise<number> {
    if (this.#running === undefined) return this.#read().then((mod) => this.#wait(mod));
    if (this.#next === undefined) {
      const startNext = () => this.#startNext();
      this.#next = this.#running.then(startNext, startNext).then((mod) => this.#wait(mod));
    }
    return this.#next;
  }

  /**
   * Resolves when the replica has come to a revision that etcd told, or when it does not in time: whoever was refused for
   * what it saw sees the reason then.
   */
  async catchUp(mod: number): Promise<void> {
    await this.#wait(mod).catch(() => undefined);
  }

  #startNext(): Promise<number> {
    this.#next = undefined;
    return this.#read();
  }

  /** etcd's revision now. */
  #read(): Promise<number> {
    const reading = this.#readRevision();
    this.#running = reading;
    const done = () => {
      if (this.#running === reading) this.#running = undefined;
    };
    reading.then(done, done);
    return reading;
  }

  async #readRevision(): Promise<number> {
    if (this.#replica.failure !== undefined) throw this.#replica.failure;
    // The watch may bring what others write before this answer arrives: only what was known before is in the past of it.
    const { applied } = this.#replica;
    let mod: number;
    try {
      const request = { key: this.#keys.identity, limit: 1 };
      const response = await this.#client.call(this.#client.methods.range, request, {
        deadlineMs: this.#deadlineMs,
        repeatable: true,
      });
      mod = safeNumber(response.header.revision);
      const identity = response.kvs[0]?.value;
      if (identity === undefined || !this.#replica.identity.equals(identity) || mod < applied) {
        const foreign = new ForeignStoreError(
          "etcd holds another store than the one this server was started on",
        );
        this.#replica.fail(foreign);
        throw foreign;
      }
    } catch (error) {
      throw new StoreUnavailableError(`etcd cannot be asked for its revision: ${(error as Error).message}`, {
        cause: error,
      });
    }
    this.note(mod);
    return mod;
  }

  /** Resolves with `mod` once the replica has applied it. */
  #wait(mod: number): Promise<number> {
    if (this.#replica.applied >= mod) return Promise.resolve(mod);
    return new Promise((resolve, reject) => {
      const until = this.#clock.now() + this.#deadlineMs;
      // Refused transactions tell revisions in any order.
      const ascending = Math.max(mod, this.#waiters.at(-1)?.mod ?? 0);
      this.#waiters.push({ mod: ascending, until, resolve, reject });
      if (this.#waiters.length === 1) this.#startNudging();
    });
  }

  /** One loop for all who wait: asks etcd for progress until nobody waits any more. */
  #startNudging(): void {
    const replica = this.#replica;
    let activity = replica.activity;
    let lively = this.#clock.now();
    let ticked = 0;
    let cancel = () => {};
    const settle = () => {
      this.#settle();
      if (this.#waiters.length > 0) return true;
      unlisten();
      cancel();
      return false;
    };
    const unlisten = replica.listen(settle);
    const nudge = () => {
      if (!settle()) return;
      const now = this.#clock.now();
      if (replica.activity !== activity) {
        activity = replica.activity;
        lively = now;
      } else if (now - lively > silenceMs) {
        lively = now;
        replica.restartWatch();
      }
      const { mod } = this.#waiters.at(-1)!;
      if (replica.progressTrusted) replica.requestProgress();
      else if (ticked < mod) {
        // One event of our own, behind all others: where it arrives, nothing is missing.
        ticked = mod;
        void this.#tick();
      }
      cancel = this.#clock.after(nextProgressMs, nudge);
    };
    cancel = this.#clock.after(firstProgressMs, nudge);
  }

  /** Tells those whose revision is reached or whose time is over. Both ascend in the list. */
  #settle(): void {
    const { applied, failure, lastError } = this.#replica;
    const now = this.#clock.now();
    let settled = 0;
    for (const { mod, until, resolve, reject } of this.#waiters) {
      if (applied >= mod) resolve(mod);
      else if (failure !== undefined) reject(failure);
      else if (now >= until) {
        const reason = lastError === undefined ? "" : ` (${lastError.message})`;
        const text = `the local copy is at etcd's revision ${applied}, etcd at ${mod}${reason}`;
        reject(new StoreUnavailableError(text));
      } else break;
      settled++;
    }
    if (settled > 0) this.#waiters = this.#waiters.slice(settled);
  }

  #ticking: Promise<unknown> | undefined;

  /** Writes the tick key; callers share one write. */
  #tick(): Promise<unknown> {
    if (this.#ticking !== undefined) return this.#ticking;
    const put = { requestPut: { key: this.#keys.tick, value: Buffer.alloc(0) } };
    const request = { compare: [], success: [put], failure: [] };
    const ticking = this.#client
      .call(this.#client.methods.txn, request, {
        deadlineMs: this.#deadlineMs,
        repeatable: true,
      })
      .catch(() => undefined)
      .finally(() => {
        this.#ticking = undefined;
      });
    this.#ticking = ticking;
    return ticking;
  }
}
