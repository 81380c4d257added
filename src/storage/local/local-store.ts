/**
 * The local copy that every durable engine reads from: an ordered, revisioned LMDB store, fed with changes that already
 * have their revisions. The embedded engine decides changes itself; the etcd engine replicates etcd's.
 */
import {
  type Change,
  CompactedError,
  type Entry,
  FutureRevisionError,
  type IndexEntry,
  type Key,
  type KeyRange,
  type KeySpace,
  noRevision,
  type Revision,
  StoreUnavailableError,
  type TenantCount,
  type Visitor,
  type Watch,
  type WatchOptions,
} from "../port.ts";
import { WatchHub } from "../watch-hub.ts";
import { encodeRevision, type LocalChange, loadEntries, prepareBatch } from "./apply.ts";
import { planSweep } from "./compaction.ts";
import { ensureDerived } from "./derived.ts";
import { countKey, decodeCount, readRevision, termKey } from "./encoding.ts";
import { type Environment, type EnvironmentOptions, openEnvironment } from "./environment.ts";
import { type History, lastChangeOf, readSlice } from "./history.ts";
import { metaKeys } from "./meta.ts";
import { Reader } from "./reader.ts";
import { Recent } from "./recent.ts";
import { SerialTasks } from "./serial-tasks.ts";

export interface LocalStoreOptions extends EnvironmentOptions {
  readonly keySpace: KeySpace;
}

/** What else one batch writes, in the same transaction. */
export interface ApplyOptions {
  /** Facts of the engine on top; undefined removes one. */
  readonly extra?: Readonly<Record<string, string | undefined>>;
}

export async function openLocalStore(options: LocalStoreOptions): Promise<LocalStore> {
  const env = openEnvironment(options);
  try {
    if (options.readOnly !== true) await ensureDerived(env, options.keySpace);
    return new LocalStore(env, options.keySpace);
  } catch (error) {
    await env.close();
    throw error;
  }
}

export class LocalStore {
  readonly #env: Environment;
  readonly #keySpace: KeySpace;
  readonly #reader: Reader;
  readonly #hub: WatchHub;
  readonly #turns = new SerialTasks();
  readonly #revisions = new Recent<Revision>();
  readonly #counts = new Recent<number>();
  readonly #waiters = new Set<{
    readonly revision: Revision;
    readonly resolve: (reached: boolean) => void;
  }>();
  #current: Revision;
  #compacted: Revision;
  #swept: Revision;
  #closed = false;

  constructor(env: Environment, keySpace: KeySpace) {
    this.#env = env;
    this.#keySpace = keySpace;
    this.#current = readMeta(env, metaKeys.current);
    this.#compacted = readMeta(env, metaKeys.compacted);
    this.#swept = readMeta(env, metaKeys.swept);
    this.#reader = new Reader(env, { current: () => this.#current, compacted: () => this.#compacted });
    const history: History = {
      current: () => this.#current,
      compacted: () => this.#compacted,
      lastChange: (scope) => lastChangeOf(env, scope, this.#current),
      slice: (scope, prefix, after, limits) => readSlice(env, scope, prefix, after, this.#current, limits),
    };
    this.#hub = new WatchHub(history, keySpace);
  }

  current(): Revision {
    return this.#current;
  }

  compacted(): Revision {
    return this.#compacted;
  }

  /** See `Store.waitFor`. */
  waitFor(revision: Revision, timeoutMs: number): Promise<boolean> {
    if (this.#current >= revision) return Promise.resolve(true);
    if (this.#closed) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.resolve(false), timeoutMs);
      const waiter = {
        revision,
        resolve: (reached: boolean) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(reached);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  get(key: Key, at?: Revision): Entry | undefined {
    this.#ensureOpen();
    return this.#reader.get(key, at);
  }

  revisionOf(key: Key): Revision {
    this.#ensureOpen();
    let revision = this.#revisions.get(key, this.#current);
    if (revision === undefined) {
      revision = this.#reader.revisionOf(key);
      // Keys that are not there are about to be created, each by one request.
      if (revision !== noRevision) this.#revisions.set(key, this.#current, revision);
    }
    return revision;
  }

  visit(range: KeyRange, at: Revision | undefined, visitor: Visitor): void {
    this.#ensureOpen();
    this.#reader.visit(range, at, visitor);
  }

  count(collection: string, tenant = ""): number {
    this.#ensureOpen();
    const key = countKey(tenant, collection);
    let count = this.#counts.get(key, this.#current);
    if (count === undefined) {
      const { counts } = this.#env;
      count = counts.find(key) < 0 ? 0 : decodeCount(counts.bytes).count;
      this.#counts.set(key, this.#current, count);
    }
    return count;
  }

  tenantCounts(tenant: string): TenantCount[] {
    this.#ensureOpen();
    const { counts } = this.#env;
    const found: TenantCount[] = [];
    for (const { key } of counts.scan(countKey(tenant, ""), `${tenant}\u0001`)) {
      const { count, lastRevision } = decodeCount(counts.bytes);
      if (count === 0) continue;
      // Of a commit that is not announced, whose change cannot be read yet: whoever keeps what he reads now must not take it for newer.
      const told = Math.min(lastRevision, this.#current) as Revision;
      found.push({ collection: key.slice(tenant.length + 1), count, lastRevision: told });
    }
    return found;
  }

  indexEntries(from: string, to: string, limit: number, after?: IndexEntry): IndexEntry[] {
    this.#ensureOpen();
    const entries: IndexEntry[] = [];
    if (limit <= 0) return entries;
    const start = after === undefined ? termBound(from) : `${termKey(after.term, after.key)}\0`;
    for (const { key } of this.#env.terms.scan(start, termBound(to), { limit })) {
      const cut = key.indexOf("\0");
      entries.push({ term: key.slice(0, cut), key: key.slice(cut + 1) as Key });
    }
    return entries;
  }

  watch(options: WatchOptions): Watch {
    this.#ensureOpen();
    return this.#hub.watch(options);
  }

  /** A fact that the engine on top stored with {@link ApplyOptions.extra}. */
  extra(name: string): string | undefined {
    const { meta } = this.#env;
    return meta.find(metaKeys.extra + name) < 0 ? undefined : meta.copy().toString();
  }

  /**
   * Writes changes, whose revisions ascend and are greater than {@link current}, atomically and durably; then shows them
   * to readers and watchers. Deletes of absent keys are left out. Resolves with the changes and what they superseded.
   * Calls are worked off one after the other. After a {@link StoreUnavailableError} nothing was written.
   */
  apply(changes: readonly LocalChange[], options: ApplyOptions = {}): Promise<readonly Change[]> {
    return this.#turns.run(async () => {
      this.#ensureOpen();
      const first = changes[0];
      if (first !== undefined && first.revision <= this.#current) {
        throw new RangeError(`revision ${first.revision} is not above ${this.#current}`);
      }
      const batch = prepareBatch(this.#env, this.#keySpace, changes);
      const newest = changes.at(-1)?.revision ?? this.#current;
      await this.#write(newest, () => {
        batch.write();
        this.#writeExtra(options.extra);
      });
      this.#announce(newest, batch.changes);
      return batch.changes;
    });
  }

  /** Announces that nothing changed up to `revision` (which is not written down until the next change). */
  advance(revision: Revision): void {
    if (revision > this.#current) this.#announce(revision, []);
  }

  /** See `Store.compact`. Reads below `revision` are refused from now on; the tables follow in steps. */
  async compact(revision: Revision): Promise<void> {
    this.#ensureOpen();
    if (revision > this.#current) throw new FutureRevisionError(revision, this.#current);
    if (revision > this.#compacted) this.#compacted = revision;
    for (let done = false; !done && !this.#closed; ) {
      done = await this.#turns.run(() => this.#sweep());
      // Let requests in between: a turn for each step.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /**
   * Begins to replace everything with a copy of the source's state: all tables are emptied, watches end with
   * {@link CompactedError}. Until {@link finishRebuild} there is no current revision ({@link noRevision}), and an
   * interrupted rebuild is known by {@link rebuilding} at the next open.
   */
  beginRebuild(): Promise<void> {
    return this.#turns.run(async () => {
      const { state, old, log, index, counts, terms, meta } = this.#env;
      this.#hub.endAll(new CompactedError(this.#current, this.#current));
      await this.#env.write(() => {
        for (const table of [state, old, log, index, counts, terms]) table.clear();
        for (const name of [metaKeys.current, metaKeys.compacted, metaKeys.swept]) meta.remove(name);
        meta.put(metaKeys.rebuilding, Buffer.from("1"));
      });
      this.#revisions.forget();
      this.#counts.forget();
      this.#current = noRevision;
      this.#compacted = noRevision;
      this.#swept = noRevision;
    });
  }

  rebuilding(): boolean {
    return this.#env.meta.find(metaKeys.rebuilding) >= 0;
  }

  /** Adds current entries during a rebuild, in any order, each key once. Keep batches to some thousand entries. */
  load(entries: readonly Entry[]): Promise<void> {
    return this.#turns.run(() =>
      this.#env.write(() => {
        loadEntries(this.#env, this.#keySpace, entries);
      }),
    );
  }

  /** Ends a rebuild: the store shows the loaded entries as of `revision`, with no history before it. */
  finishRebuild(revision: Revision, options: ApplyOptions = {}): Promise<void> {
    return this.#turns.run(async () => {
      const { meta } = this.#env;
      await this.#env.write(() => {
        const encoded = encodeRevision(revision);
        for (const name of [metaKeys.current, metaKeys.compacted, metaKeys.swept]) meta.put(name, encoded);
        meta.remove(metaKeys.rebuilding);
        this.#writeExtra(options.extra);
      });
      this.#compacted = revision;
      this.#swept = revision;
      this.#announce(revision, []);
    });
  }

  /** Ends watches, waits for the write under way, closes the environment. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#hub.close();
    for (const waiter of [...this.#waiters]) waiter.resolve(false);
    await this.#turns.idle();
    await this.#env.close();
  }

  stats(): Record<string, number> {
    const { fileBytes } = this.#env.sizes();
    const { watchers, behind } = this.#hub.sizes();
    return {
      current_revision: this.#current,
      compacted_revision: this.#compacted,
      swept_revision: this.#swept,
      keys: this.#env.state.entries(),
      history_entries: this.#env.log.entries(),
      file_bytes: fileBytes,
      watches: watchers,
      watches_behind: behind,
    };
  }

  /** Writes; a failure whose outcome is unclear is settled by looking what the tables say. */
  async #write(newest: Revision, body: () => void): Promise<void> {
    try {
      await this.#env.write(body);
    } catch (error) {
      if (newest === this.#current || readMeta(this.#env, metaKeys.current) < newest) throw error;
    }
  }

  #writeExtra(extra: ApplyOptions["extra"]): void {
    for (const [name, value] of Object.entries(extra ?? {})) {
      if (value === undefined) this.#env.meta.remove(metaKeys.extra + name);
      else this.#env.meta.put(metaKeys.extra + name, Buffer.from(value));
    }
  }

  async #sweep(): Promise<boolean> {
    if (this.#closed || this.#swept >= this.#compacted) return true;
    const target = this.#compacted;
    const step = planSweep(this.#env, this.#keySpace, this.#swept, target);
    await this.#env.write(() => {
      step.write();
      // Written with the first step already: what was refused once stays refused after a restart.
      this.#env.meta.put(metaKeys.compacted, encodeRevision(target));
      this.#env.meta.put(metaKeys.swept, encodeRevision(step.swept));
    });
    this.#swept = step.swept;
    return step.done;
  }

  #announce(revision: Revision, changes: readonly Change[]): void {
    this.#current = revision;
    for (const waiter of this.#waiters) if (waiter.revision <= revision) waiter.resolve(true);
    this.#hub.publish(changes);
  }

  #ensureOpen(): void {
    if (this.#closed) throw new StoreUnavailableError("the store is closed");
  }
}

function readMeta(env: Environment, name: string): Revision {
  return env.meta.find(name) < 0 ? noRevision : readRevision(env.meta.bytes, 0);
}

/**
 * Where in `terms` those terms begin that are not less than `bound`. A zero byte parts term and key there and stands in no term, so a
 * bound that holds one lies behind all entries of the term before it.
 */
function termBound(bound: string): string {
  const cut = bound.indexOf("\0");
  return cut < 0 ? bound : `${bound.slice(0, cut)}\x01`;
}
