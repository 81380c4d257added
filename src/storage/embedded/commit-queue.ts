/**
 * Group commit. A transaction is decided when it arrives, against the committed state and what waits before it; its
 * changes get their revisions and join a group. One group is flushed at a time while the next collects. Nobody gets an
 * answer before the group is durable that the answer rests on. If a flush fails, everything behind it fails too.
 */

import { checkLimits } from "../limits.ts";
import type { LocalChange } from "../local/apply.ts";
import { checkTerm } from "../local/apply.ts";
import {
  type Key,
  type KeySpace,
  noRevision,
  type Revision,
  StoreUnavailableError,
  type Txn,
  type TxnResult,
} from "../port.ts";

/** Most changes, and bytes of values, of one group: what one flush writes. */
const maxGroupChanges = 2_000;
const maxGroupBytes = 16 * 1024 * 1024;
/** Most changes, and bytes of values, that wait; more are refused with {@link StoreUnavailableError}. */
const maxQueuedChanges = 50_000;
export const maxQueuedBytes = 256 * 1024 * 1024;

interface Waiter {
  readonly result: TxnResult;
  resolve(result: TxnResult): void;
  reject(error: unknown): void;
}

interface Group {
  readonly changes: LocalChange[];
  readonly waiters: Waiter[];
  bytes: number;
}

/** What a key will be once everything that waits is written. */
interface Pending {
  readonly assigned: Revision;
  readonly deleted: boolean;
}

export interface CommitQueueOptions {
  readonly keySpace: KeySpace;
  /** Newest revision ever given to a change. */
  readonly newest: Revision;
  /** Committed revision of a key. */
  revisionOf(key: Key): Revision;
  /** Writes durably, then announces. */
  apply(changes: readonly LocalChange[], bytes: number): Promise<unknown>;
}

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #newest: Revision;
  #groups: Group[] = [];
  readonly #pending = new Map<Key, Pending>();
  #flushing: Promise<void> | undefined;
  #closed = false;
  #queuedChanges = 0;
  #queuedBytes = 0;
  #failures = 0;
  #groupsFlushed = 0;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
    this.#newest = options.newest;
  }

  /** See `Store.commit`. */
  async commit(txn: Txn): Promise<TxnResult> {
    checkLimits(txn);
    if (this.#closed) throw new StoreUnavailableError("the store is closed");
    const terms = txn.operations.map((operation) => this.#termsOf(operation));
    const bytes = txn.operations.reduce((sum, operation) => sum + sizeOf(operation), 0);
    if (
      this.#queuedChanges + txn.operations.length > maxQueuedChanges ||
      this.#queuedBytes + bytes > maxQueuedBytes
    ) {
      throw new StoreUnavailableError("too many writes wait for the disk");
    }
    const failed = txn.compare.findIndex(({ key, revision }) => this.#revisionOf(key) !== revision);
    if (failed >= 0) return this.#answer({ ok: false, failed });
    const changes: LocalChange[] = [];
    const revisions = txn.operations.map((operation, index) => {
      const { key, type } = operation;
      if (type === "delete" && this.#revisionOf(key) === noRevision) return noRevision;
      const revision = (this.#newest + 1) as Revision;
      this.#newest = revision;
      this.#pending.set(key, { assigned: revision, deleted: type === "delete" });
      const value = type === "put" ? operation.value : undefined;
      changes.push({ revision, key, value, terms: terms[index]! });
      return revision;
    });
    const result: TxnResult = { ok: true, revisions };
    return changes.length === 0 ? this.#answer(result) : this.#enqueue(changes, bytes, result);
  }

  /** Refuses new transactions and waits for the accepted ones. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#flushing !== undefined) await this.#flushing;
  }

  stats(): Record<string, number> {
    return {
      queued_changes: this.#queuedChanges,
      queued_bytes: this.#queuedBytes,
      flushes_total: this.#groupsFlushed,
      flush_failures_total: this.#failures,
    };
  }

  #termsOf(operation: Txn["operations"][number]): readonly string[] {
    if (operation.type === "delete") return [];
    const terms = this.#options.keySpace.terms(operation.key, operation.value);
    terms.forEach(checkTerm);
    return terms;
  }

  #revisionOf(key: Key): Revision {
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending.deleted ? noRevision : pending.assigned;
    return this.#options.revisionOf(key);
  }

  /** An answer without changes. It may rest on changes that are not durable yet: then it waits for the last of them. */
  #answer(result: TxnResult): TxnResult | Promise<TxnResult> {
    const last = this.#groups.at(-1);
    if (last === undefined) return result;
    return new Promise((resolve, reject) => last.waiters.push({ result, resolve, reject }));
  }

  #enqueue(changes: readonly LocalChange[], bytes: number, result: TxnResult): Promise<TxnResult> {
    let group = this.#groups.at(-1);
    const collects = group !== undefined && !(this.#groups.length === 1 && this.#flushingFirst);
    if (
      group === undefined ||
      !collects ||
      group.changes.length + changes.length > maxGroupChanges ||
      group.bytes + bytes > maxGroupBytes
    ) {
      group = { changes: [], waiters: [], bytes: 0 };
      this.#groups.push(group);
    }
    group.changes.push(...changes);
    group.bytes += bytes;
    this.#queuedChanges += changes.length;
    this.#queuedBytes += bytes;
    const { waiters } = group;
    const answered = new Promise<TxnResult>((resolve, reject) => waiters.push({ result, resolve, reject }));
    this.#flushing ??= this.#flushAll();
    return answered;
  }

  /** Whether the first group is being written and takes no more changes. */
  #flushingFirst = false;

  async #flushAll(): Promise<void> {
    // What else arrives in this turn of the event loop joins the first group.
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (let group = this.#groups[0]; group !== undefined; group = this.#groups[0]) {
      this.#flushingFirst = true;
      try {
        await this.#options.apply(group.changes, group.bytes);
      } catch (error) {
        this.#failEverything(error);
        continue;
      } finally {
        this.#flushingFirst = false;
      }
      this.#groups.shift();
      this.#groupsFlushed++;
      this.#forget(group);
      for (const waiter of group.waiters) waiter.resolve(waiter.result);
    }
    // In the same turn as the last look: a transaction that arrives now must start a new run.
    this.#flushing = undefined;
  }

  #forget(group: Group): void {
    this.#queuedChanges -= group.changes.length;
    this.#queuedBytes -= group.bytes;
    for (const { key, revision } of group.changes) {
      if (this.#pending.get(key)?.assigned === revision) this.#pending.delete(key);
    }
  }

  /** Later groups were decided on top of the failed one. Their revisions were never shown, and are not used again. */
  #failEverything(error: unknown): void {
    this.#failures++;
    const groups = this.#groups;
    this.#groups = [];
    this.#pending.clear();
    this.#queuedChanges = 0;
    this.#queuedBytes = 0;
    for (const group of groups) for (const waiter of group.waiters) waiter.reject(error);
  }
}

function sizeOf(operation: Txn["operations"][number]): number {
  return operation.type === "put" ? operation.value.length + operation.key.length : operation.key.length;
}
