/** The store on a real etcd: etcd decides every write, a local replica answers every read. */
import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "#base/clock.ts";
import { makeFolder } from "#base/make-folder.ts";
import { type DirectoryLock, takeLock } from "../embedded/data-directory.ts";
import {
  type Entry,
  type IndexEntry,
  type Key,
  type KeyRange,
  type KeySpace,
  type Revision,
  type Store,
  StoreLimitError,
  StoreUnavailableError,
  type TenantCount,
  type Txn,
  type TxnResult,
  type Visitor,
  type Watch,
  type WatchOptions,
} from "../port.ts";
import { startRetention } from "../retention.ts";
import { EtcdClient } from "./client/client.ts";
import type { TlsMaterial } from "./client/connection.ts";
import { parseEndpoints } from "./client/endpoints.ts";
import { EtcdError, grpcCode } from "./client/grpc-error.ts";
import { safeNumber, type TxnResponse } from "./client/messages.ts";
import { startCompactionLoop } from "./compaction-loop.ts";
import { type EtcdKeys, etcdKeys } from "./etcd-keys.ts";
import { checkTxn, comparedMods, decodeTxn, encodeTxn, ForeignStoreError } from "./etcd-txn.ts";
import { Freshness } from "./freshness.ts";
import { Replica } from "./replica.ts";
import { modOf, positions } from "./revision.ts";
import { WatchSet } from "./watch-set.ts";

export interface EtcdStoreOptions {
  /** Members as in `--etcd-servers`: `http://host:port`, `https://host:port` or `host:port`. */
  readonly servers: readonly string[];
  /** PEM bytes; `readTlsFiles` reads them from `--etcd-cafile`, `--etcd-certfile`, `--etcd-keyfile`. */
  readonly tls?: TlsMaterial;
  /** `--etcd-prefix`: stands in etcd for the key space's prefix; default: the key space's prefix itself. */
  readonly etcdPrefix?: string;
  readonly keySpace: KeySpace;
  /** Directory of the local replica, this server's own. It may be removed while no server uses it. */
  readonly directory: string;
  readonly clock?: Clock;
  /** etcd is compacted to what it was so long ago; default 300,000 (5 minutes), 0 = never by this server. */
  readonly compactionIntervalMs?: number;
  /** History in the local replica is kept so long; default 300,000 (5 minutes), 0 = for ever. */
  readonly historyRetentionMs?: number;
  /** History of so many of etcd's transactions is kept in any case; default 1,000. */
  readonly historyMinTransactions?: number;
  /** How long etcd may be silent at open; default 10,000. */
  readonly openTimeoutMs?: number;
  /** How long `fresh` may take; default 5,000. */
  readonly freshTimeoutMs?: number;
}

const defaultCompactionMs = 300_000;
const defaultRetentionMs = 300_000;
const defaultMinTransactions = 1_000;
const defaultOpenTimeoutMs = 10_000;
const defaultFreshTimeoutMs = 5_000;
const commitDeadlineMs = 10_000;
/** While someone waits for a revision that was not seen yet, etcd is asked this often. */
const waitPollMs = 250;

/**
 * Opens the store; resolves once the replica is as new as etcd. Rejects with {@link StoreUnavailableError} when etcd does
 * not answer, {@link DataDirectoryError} when another server uses the directory, RangeError for unusable options.
 */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const clock = options.clock ?? systemClock;
  const keys = etcdKeys(options.keySpace, options.etcdPrefix);
  const endpoints = parseEndpoints(options.servers);
  makeFolder(options.directory);
  const lock = takeLock(options.directory);
  const client = new EtcdClient({ endpoints, tls: options.tls ?? {}, clock });
  const watches = new WatchSet();
  let replica: Replica | undefined;
  // Timers of the clock do not keep a process alive that only waits for etcd.
  const alive = setInterval(() => undefined, 1_000);
  try {
    const { keySpace, directory } = options;
    const newIdentity = Buffer.from(randomUUID());
    const timeout = options.openTimeoutMs ?? defaultOpenTimeoutMs;
    replica = await Replica.open({ client, keys, keySpace, directory, clock, watches, newIdentity }, timeout);
    const freshTimeout = options.freshTimeoutMs ?? defaultFreshTimeoutMs;
    const freshness = new Freshness({ client, keys, replica, clock, deadlineMs: freshTimeout });
    await catchUp(replica, freshness);
    const interval = options.compactionIntervalMs ?? defaultCompactionMs;
    const loops: (() => void)[] = [];
    if (interval > 0) loops.push(startCompactionLoop(client, keys, clock, interval));
    const store = new EtcdStore({ client, keys, keySpace, replica, freshness, watches, clock, lock }, loops);
    const retentionMs = options.historyRetentionMs ?? defaultRetentionMs;
    if (retentionMs > 0) {
      const keepRevisions = (options.historyMinTransactions ?? defaultMinTransactions) * positions;
      loops.push(startRetention(store, { keepMs: retentionMs, keepRevisions }, clock));
    }
    return store;
  } catch (error) {
    const closing = replica?.close();
    client.close();
    await closing;
    lock.close();
    if (!(error instanceof EtcdError)) throw error;
    throw new StoreUnavailableError(error.message, { cause: error });
  } finally {
    clearInterval(alive);
  }
}

/** Waits until the replica is as new as etcd, as long as it moves on. */
async function catchUp(replica: Replica, freshness: Freshness): Promise<void> {
  for (;;) {
    const { activity } = replica;
    try {
      await freshness.reach();
      return;
    } catch (error) {
      if (replica.failure !== undefined || replica.activity === activity) throw error;
    }
  }
}

interface Parts {
  readonly client: EtcdClient;
  readonly keys: EtcdKeys;
  readonly keySpace: KeySpace;
  readonly replica: Replica;
  readonly freshness: Freshness;
  readonly watches: WatchSet;
  readonly clock: Clock;
  /** On the replica's directory. */
  readonly lock: DirectoryLock;
}

class EtcdStore implements Store {
  readonly #parts: Parts;
  readonly #replica: Replica;
  readonly #loops: readonly (() => void)[];
  readonly #commits = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;
  #counters = { commits: 0, refused: 0, unavailable: 0, unknown: 0 };

  /** `loops`: what is to be stopped at close. */
  constructor(parts: Parts, loops: readonly (() => void)[]) {
    this.#parts = parts;
    this.#replica = parts.replica;
    this.#loops = loops;
  }

  current(): Revision {
    return this.#replica.local.current();
  }

  compacted(): Revision {
    return this.#replica.local.compacted();
  }

  async fresh(): Promise<Revision> {
    this.#ensureOpen();
    const mod = await this.#parts.freshness.reach();
    const { local } = this.#replica;
    if (modOf(local.current()) < mod) this.#replica.advance();
    return local.current();
  }

  async waitFor(revision: Revision, timeoutMs: number): Promise<boolean> {
    const { clock, freshness } = this.#parts;
    const replica = this.#replica;
    const reached = () => {
      replica.advanceTo(revision);
      return replica.local.current() >= revision;
    };
    if (reached()) return true;
    return await new Promise<boolean>((resolve) => {
      let settled = false;
      let cancelPoll = () => {};
      const settle = (value: boolean) => {
        if (settled) return;
        settled = true;
        unlisten();
        cancelPoll();
        cancelTimeout();
        resolve(value);
      };
      const look = () => {
        if (reached()) settle(true);
        else if (this.#closing !== undefined) settle(false);
      };
      const unlisten = replica.listen(look);
      const cancelTimeout = clock.after(timeoutMs, () => settle(false));
      const poll = () => {
        if (settled) return;
        // The revision may be one that etcd reached without a change of ours.
        freshness
          .reach()
          .then(look, () => undefined)
          .finally(() => {
            if (!settled) cancelPoll = clock.after(waitPollMs, poll);
          });
      };
      poll();
    });
  }

  get(key: Key, at?: Revision): Entry | undefined {
    if (at !== undefined) this.#replica.advanceTo(at);
    return this.#replica.local.get(key, at);
  }

  revisionOf(key: Key): Revision {
    return this.#replica.local.revisionOf(key);
  }

  visit(range: KeyRange, at: Revision | undefined, visitor: Visitor): void {
    if (at !== undefined) this.#replica.advanceTo(at);
    this.#replica.local.visit(range, at, visitor);
  }

  count(collection: string, tenant?: string): number {
    return this.#replica.local.count(collection, tenant);
  }

  tenantCounts(tenant: string): TenantCount[] {
    return this.#replica.local.tenantCounts(tenant);
  }

  indexEntries(from: string, to: string, limit: number, after?: IndexEntry): IndexEntry[] {
    return this.#replica.local.indexEntries(from, to, limit, after);
  }

  async commit(txn: Txn): Promise<TxnResult> {
    this.#ensureOpen();
    checkTxn(txn, this.#parts.keySpace);
    const commit = this.#commit(txn);
    this.#commits.add(commit);
    try {
      return await commit;
    } finally {
      this.#commits.delete(commit);
    }
  }

  watch(options: WatchOptions): Watch {
    this.#ensureOpen();
    return this.#parts.watches.add(options, (wrapped) => this.#replica.local.watch(wrapped));
  }

  /** Forgets history of the local replica; etcd's own is compacted by the loop that all servers share. */
  async compact(revision: Revision): Promise<void> {
    this.#ensureOpen();
    await this.#replica.local.compact(revision);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  stats(): Readonly<Record<string, number>> {
    const { client, freshness, watches } = this.#parts;
    const { connects, inFlight, queued } = client.stats();
    return {
      ...(this.#closing === undefined ? this.#replica.local.stats() : {}),
      ...this.#replica.stats(),
      etcd_revision: freshness.seen,
      etcd_lag_revisions: freshness.seen - this.#replica.applied,
      etcd_connects: connects,
      etcd_calls_in_flight: inFlight,
      etcd_calls_queued: queued,
      etcd_commits: this.#counters.commits,
      etcd_commits_refused: this.#counters.refused,
      etcd_commits_unavailable: this.#counters.unavailable,
      etcd_commits_unknown: this.#counters.unknown,
      watches: watches.size,
    };
  }

  async #close(): Promise<void> {
    for (const stop of this.#loops) stop();
    await Promise.allSettled([...this.#commits]);
    const closing = this.#replica.close();
    this.#parts.client.close();
    await closing.finally(() => this.#parts.lock.close());
  }

  async #commit(txn: Txn): Promise<TxnResult> {
    const { client, keys, freshness } = this.#parts;
    const { identity } = this.#replica;
    // Positions are compared by the local copy, so it must have seen the newest revision that is compared.
    const newest = txn.compare.reduce((mod, { revision }) => Math.max(mod, modOf(revision)), 0);
    if (newest > this.#replica.applied) await freshness.reach();
    const mods = comparedMods(txn, (key) => this.#replica.local.revisionOf(key));
    const request = encodeTxn(txn, mods, keys, identity);
    let response: TxnResponse;
    try {
      const call = { deadlineMs: commitDeadlineMs, repeatable: false };
      response = await client.call(client.methods.txn, request, call);
    } catch (error) {
      throw this.#commitError(error);
    }
    const mod = safeNumber(response.header.revision);
    freshness.note(mod);
    try {
      const result = decodeTxn(txn, mods, response, identity);
      if (result.ok) this.#counters.commits++;
      else {
        this.#counters.refused++;
        // Who looks again must see what was in the way, else the same comparison fails again.
        await freshness.catchUp(mod);
      }
      return result;
    } catch (error) {
      if (!(error instanceof ForeignStoreError)) throw error;
      this.#replica.fail(error);
      throw new StoreUnavailableError(`${error.message}; nothing was written`, { cause: error });
    }
  }

  #commitError(error: unknown): Error {
    if (!(error instanceof EtcdError)) return error as Error;
    const tooLarge = /request is too large|too many operations|larger than max/.test(error.message);
    if (tooLarge && !error.mayHaveHappened) return new StoreLimitError(error.message, { cause: error });
    if (error.mayHaveHappened) {
      this.#counters.unknown++;
      const text = `${error.message}; it is unknown whether the transaction happened`;
      return new StoreUnavailableError(text, { cause: error });
    }
    this.#counters.unavailable++;
    const hint = error.code === grpcCode.resourceExhausted ? "etcd takes no more writes: " : "";
    return new StoreUnavailableError(`${hint}${error.message}; nothing was written`, { cause: error });
  }

  #ensureOpen(): void {
    if (this.#closing !== undefined) throw new StoreUnavailableError("the store is closed");
    if (this.#replica.failure !== undefined) throw this.#replica.failure;
  }
}
