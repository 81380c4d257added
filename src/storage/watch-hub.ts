/**
 * Watches of one store. Live watchers stand in a map by what they watch (everything, a collection, or a tenant in a
 * collection), so a change costs what its own watchers cost. A watch that begins in the past reads the change log in
 * bounded slices until it has caught up; then, in the same turn, it becomes live. A watcher holds no buffer.
 */
import type { History, Scope } from "./local/history.ts";
import {
  type Change,
  CompactedError,
  type Key,
  type KeySpace,
  type Revision,
  StoreUnavailableError,
  type Watch,
  type WatchOptions,
} from "./port.ts";

/** Most changes looked at, and most bytes of values read, for one slice of one watch that catches up. */
const sliceLimits = { maxChanges: 500, maxBytes: 4 * 1024 * 1024 };
/** Milliseconds of one turn of the event loop that catching up may take, all watches together. */
const turnMs = 5;

interface Watcher {
  readonly options: WatchOptions;
  readonly scope: Scope;
  readonly bucket: string;
  /** Whether every change of the bucket concerns the watch. */
  readonly whole: boolean;
  /** Everything up to here was delivered. */
  position: Revision;
  live: boolean;
  closed: boolean;
  progressWanted: boolean;
}

/** What the hub needs of its surroundings, so that tests can drive time. */
export interface HubScheduler {
  /** Runs `task` in a later turn of the event loop. */
  defer(task: () => void): void;
  /** Milliseconds, monotonic. */
  elapsed(): number;
}

const eventLoopScheduler: HubScheduler = {
  defer: (task) => void setImmediate(task),
  elapsed: () => performance.now(),
};

export class WatchHub {
  readonly #history: History;
  readonly #keySpace: KeySpace;
  readonly #scheduler: HubScheduler;
  readonly #live = new Map<string, Set<Watcher>>();
  /** Watchers that catch up, or want progress, first come first served. */
  #behind = new Set<Watcher>();
  #scheduled = false;
  #closed: Error | undefined;
  #watchers = 0;

  constructor(history: History, keySpace: KeySpace, scheduler: HubScheduler = eventLoopScheduler) {
    this.#history = history;
    this.#keySpace = keySpace;
    this.#scheduler = scheduler;
  }

  /** Open watches, and how many of them are catching up. */
  sizes(): { readonly watchers: number; readonly behind: number } {
    return { watchers: this.#watchers, behind: this.#behind.size };
  }

  /** @throws CompactedError, StoreUnavailableError after {@link close} */
  watch(options: WatchOptions): Watch {
    if (this.#closed !== undefined) throw this.#closed;
    const compacted = this.#history.compacted();
    if (options.after < compacted) throw new CompactedError(options.after, compacted);
    const scope = this.#scopeOf(options.prefix);
    const bucket = bucketOf(scope);
    const watcher: Watcher = {
      options,
      scope,
      bucket,
      whole: bucket === options.prefix,
      position: options.after,
      live: false,
      closed: false,
      progressWanted: true,
    };
    this.#watchers++;
    this.#enqueue(watcher);
    return {
      requestProgress: () => {
        if (watcher.closed) return;
        watcher.progressWanted = true;
        this.#enqueue(watcher);
      },
      close: () => this.#remove(watcher),
    };
  }

  /** Delivers changes that have just become visible, in revision order; `History.current` already includes them. */
  publish(changes: readonly Change[]): void {
    if (this.#live.size === 0 || changes.length === 0) return;
    const byBucket = new Map<string, Change[]>();
    for (const change of changes) {
      this.#collect(byBucket, "", change);
      const partition = this.#keySpace.partition(change.key);
      if (partition === undefined) continue;
      this.#collect(byBucket, partition.collection, change);
      this.#collect(byBucket, `${partition.collection}${partition.tenant}/`, change);
    }
    for (const [bucket, concerned] of byBucket) {
      const watchers = this.#live.get(bucket);
      if (watchers === undefined) continue;
      for (const watcher of watchers) this.#deliverLive(watcher, concerned);
    }
  }

  /** Ends every watch; later ones are refused with `error`. */
  close(error: Error = new StoreUnavailableError("the store is closed")): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.endAll(error);
  }

  /** Ends every watch, for example because the history they follow was replaced. */
  endAll(error: Error): void {
    const all = new Set(this.#behind);
    for (const watchers of this.#live.values()) for (const watcher of watchers) all.add(watcher);
    for (const watcher of all) this.#end(watcher, error);
  }

  #collect(byBucket: Map<string, Change[]>, bucket: string, change: Change): void {
    if (!this.#live.has(bucket)) return;
    const list = byBucket.get(bucket);
    if (list === undefined) byBucket.set(bucket, [change]);
    else list.push(change);
  }

  #deliverLive(watcher: Watcher, changes: readonly Change[]): void {
    if (watcher.closed) return;
    const { prefix } = watcher.options;
    const { position } = watcher;
    const concerned =
      watcher.whole && changes[0]!.revision > position
        ? changes
        : changes.filter((change) => change.revision > position && change.key.startsWith(prefix));
    const last = changes.at(-1)!.revision;
    if (last > position) watcher.position = last;
    if (concerned.length > 0) this.#call(watcher, () => watcher.options.onChanges(concerned));
  }

  #enqueue(watcher: Watcher): void {
    this.#behind.add(watcher);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#scheduler.defer(() => this.#turn());
  }

  #turn(): void {
    const end = this.#scheduler.elapsed() + turnMs;
    do {
      const next = this.#behind.values().next();
      if (next.done === true) break;
      const watcher = next.value;
      this.#behind.delete(watcher);
      if (!watcher.closed) this.#advance(watcher);
    } while (this.#scheduler.elapsed() < end);
    this.#scheduled = this.#behind.size > 0;
    if (this.#scheduled) this.#scheduler.defer(() => this.#turn());
  }

  /** One slice. A watcher that is still behind goes to the end of the queue. */
  #advance(watcher: Watcher): void {
    if (!watcher.live && !this.#catchUp(watcher)) {
      if (!watcher.closed) this.#behind.add(watcher);
      return;
    }
    if (watcher.closed || !watcher.progressWanted) return;
    watcher.progressWanted = false;
    const current = this.#history.current();
    this.#call(watcher, () => watcher.options.onProgress?.(current));
  }

  /** Whether the watcher is live now. */
  #catchUp(watcher: Watcher): boolean {
    const { scope, options, position } = watcher;
    const compacted = this.#history.compacted();
    if (position < compacted) {
      this.#end(watcher, new CompactedError(position, compacted));
      return false;
    }
    if (this.#history.lastChange(scope) > position) {
      let slice: ReturnType<History["slice"]>;
      try {
        slice = this.#history.slice(scope, options.prefix, position, sliceLimits);
      } catch (error) {
        this.#end(watcher, error as Error);
        return false;
      }
      watcher.position = Math.max(slice.upTo, position) as Revision;
      if (slice.changes.length > 0) this.#call(watcher, () => options.onChanges(slice.changes));
      if (watcher.closed || watcher.position < this.#history.current()) return false;
    }
    watcher.live = true;
    const watchers = this.#live.get(watcher.bucket);
    if (watchers === undefined) this.#live.set(watcher.bucket, new Set([watcher]));
    else watchers.add(watcher);
    return true;
  }

  /** A watcher that throws is a bug of its owner: it loses its watch, everyone else goes on. */
  #call(watcher: Watcher, callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#end(watcher, new Error("a watcher failed", { cause: error }));
    }
  }

  #end(watcher: Watcher, error: Error): void {
    if (watcher.closed) return;
    this.#remove(watcher);
    try {
      watcher.options.onEnd(error);
    } catch {
      // The watch is gone already; there is nobody left to tell.
    }
  }

  #remove(watcher: Watcher): void {
    if (watcher.closed) return;
    watcher.closed = true;
    this.#watchers--;
    this.#behind.delete(watcher);
    const watchers = this.#live.get(watcher.bucket);
    if (watchers?.delete(watcher) === true && watchers.size === 0) this.#live.delete(watcher.bucket);
  }

  /** The smallest scope that holds every key with this prefix, found by asking for the partition of such a key. */
  #scopeOf(prefix: string): Scope {
    const partition = this.#keySpace.partition(`${prefix}x/x` as Key);
    if (partition === undefined) return { type: "all" };
    const { collection, tenant } = partition;
    if (prefix.startsWith(`${collection}${tenant}/`)) return { type: "tenant", collection, tenant };
    return prefix.startsWith(collection) ? { type: "collection", collection } : { type: "all" };
  }
}

function bucketOf(scope: Scope): string {
  if (scope.type === "all") return "";
  return scope.type === "collection" ? scope.collection : `${scope.collection}${scope.tenant}/`;
}
