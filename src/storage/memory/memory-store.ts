/**
 * The store in memory: for tests, for the in-process server, and as the reference that the other engines are compared
 * with. Nothing survives the process. Plain data structures: a sorted array of keys, every key's versions, one log.
 */
import { compareBytes } from "#base/bytes.ts";
import { checkLimits } from "../limits.ts";
import type { History, Scope } from "../local/history.ts";
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
  type Operation,
  type Revision,
  type Store,
  StoreUnavailableError,
  type TenantCount,
  type Txn,
  type TxnResult,
  type Visitor,
  type Watch,
  type WatchOptions,
} from "../port.ts";
import { WatchHub } from "../watch-hub.ts";

interface Version {
  readonly revision: Revision;
  /** Undefined: deleted. */
  readonly value: Buffer | undefined;
}

interface Count {
  count: number;
  lastRevision: Revision;
}

export function openMemoryStore(options: { readonly keySpace: KeySpace }): Store {
  return new MemoryStore(options.keySpace);
}

class MemoryStore implements Store, History {
  readonly #keySpace: KeySpace;
  readonly #hub: WatchHub;
  /** Every key that has a version, in byte order. */
  #keys: Key[] = [];
  readonly #versions = new Map<Key, Version[]>();
  #log: Change[] = [];
  readonly #counts = new Map<string, Map<string, Count>>();
  readonly #totals = new Map<string, Count>();
  /** Sorted `[term, key]` pairs. */
  readonly #terms: IndexEntry[] = [];
  readonly #waiters = new Set<() => void>();
  #current = noRevision;
  #compacted = noRevision;
  #closed = false;

  constructor(keySpace: KeySpace) {
    this.#keySpace = keySpace;
    this.#hub = new WatchHub(this, keySpace);
  }

  current = (): Revision => this.#current;
  compacted = (): Revision => this.#compacted;
  fresh = (): Revision => this.#current;

  waitFor(revision: Revision, timeoutMs: number): Promise<boolean> {
    if (this.#current >= revision) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (reached: boolean): void => {
        clearTimeout(timer);
        this.#waiters.delete(check);
        resolve(reached);
      };
      const check = (): void => {
        if (this.#current >= revision) done(true);
      };
      const timer = setTimeout(() => done(false), timeoutMs);
      this.#waiters.add(check);
    });
  }

  get(key: Key, at?: Revision): Entry | undefined {
    this.#checkRevision(at);
    const version = this.#versionAt(key, at ?? this.#current);
    if (version?.value === undefined) return undefined;
    return { key, value: Buffer.from(version.value), revision: version.revision };
  }

  revisionOf(key: Key): Revision {
    const version = this.#versions.get(key)?.at(-1);
    return version?.value === undefined ? noRevision : version.revision;
  }

  visit(range: KeyRange, at: Revision | undefined, visitor: Visitor): void {
    this.#checkRevision(at);
    const revision = at ?? this.#current;
    for (let i = this.#search(range.start); i < this.#keys.length; i++) {
      const key = this.#keys[i]!;
      if (compareBytes(key, range.end) >= 0) return;
      const version = this.#versionAt(key, revision);
      if (version?.value !== undefined && visitor(key, version.value, version.revision) === false) return;
    }
  }

  count(collection: string, tenant?: string): number {
    const count =
      tenant === undefined ? this.#totals.get(collection) : this.#counts.get(tenant)?.get(collection);
    return count?.count ?? 0;
  }

  tenantCounts(tenant: string): TenantCount[] {
    return [...(this.#counts.get(tenant) ?? [])]
      .filter(([, { count }]) => count > 0)
      .map(([collection, { count, lastRevision }]) => ({ collection, count, lastRevision }))
      .sort((a, b) => compareBytes(a.collection, b.collection));
  }

  indexEntries(from: string, to: string, limit: number, after?: IndexEntry): IndexEntry[] {
    const start = after === undefined ? { term: from, key: "" as Key } : after;
    const found: IndexEntry[] = [];
    for (let i = this.#searchTerm(start); i < this.#terms.length && found.length < limit; i++) {
      const entry = this.#terms[i]!;
      if (compareBytes(entry.term, to) >= 0) break;
      if (after === undefined || compareTerms(entry, after) > 0) found.push(entry);
    }
    return found;
  }

  async commit(txn: Txn): Promise<TxnResult> {
    checkLimits(txn);
    if (this.#closed) throw new StoreUnavailableError("the store is closed");
    for (const [index, { key, revision }] of txn.compare.entries()) {
      if (this.revisionOf(key) !== revision) return { ok: false, failed: index };
    }
    const changes: Change[] = [];
    const revisions = txn.operations.map((operation) => this.#apply(operation, changes));
    this.#log.push(...changes);
    for (const check of this.#waiters) check();
    this.#hub.publish(changes);
    return { ok: true, revisions };
  }

  watch(options: WatchOptions): Watch {
    return this.#hub.watch(options);
  }

  compact(revision: Revision): Promise<void> {
    const upTo = Math.min(revision, this.#current) as Revision;
    if (upTo <= this.#compacted) return Promise.resolve();
    this.#compacted = upTo;
    this.#log = this.#log.filter((change) => change.revision > upTo);
    const kept: Key[] = [];
    for (const key of this.#keys) {
      const versions = this.#versions.get(key) ?? [];
      // The last version at or before the revision is still what a read there sees; deletions need not be remembered.
      const first = versions.findLastIndex((version) => version.revision <= upTo);
      const rest = first < 0 ? versions : versions.slice(first);
      if (rest[0]?.value === undefined && rest[0] !== undefined && rest[0].revision <= upTo) rest.shift();
      if (rest.length === 0) this.#versions.delete(key);
      else {
        this.#versions.set(key, rest);
        kept.push(key);
      }
    }
    this.#keys = kept;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#hub.close();
    return Promise.resolve();
  }

  stats(): Readonly<Record<string, number>> {
    const { watchers, behind } = this.#hub.sizes();
    return { keys: this.#keys.length, log_entries: this.#log.length, watchers, watchers_behind: behind };
  }

  lastChange(scope: Scope): Revision {
    if (scope.type === "all") return this.#current;
    const count =
      scope.type === "tenant"
        ? this.#counts.get(scope.tenant)?.get(scope.collection)
        : this.#totals.get(scope.collection);
    return count?.lastRevision ?? noRevision;
  }

  slice(_scope: Scope, prefix: string, after: Revision, limits: { readonly maxChanges: number }) {
    const changes: Change[] = [];
    let upTo = this.#current;
    for (let i = this.#logIndex(after); i < this.#log.length; i++) {
      const change = this.#log[i]!;
      if (!change.key.startsWith(prefix)) continue;
      changes.push(change);
      if (changes.length >= limits.maxChanges) {
        upTo = change.revision;
        break;
      }
    }
    return { changes, upTo };
  }

  #apply(operation: Operation, changes: Change[]): Revision {
    const { key } = operation;
    const versions = this.#versions.get(key) ?? [];
    const last = versions.at(-1);
    if (operation.type === "delete" && last?.value === undefined) return noRevision;
    const revision = ++(this.#current as number) as Revision;
    const value = operation.type === "put" ? Buffer.from(operation.value) : undefined;
    if (versions.length === 0) {
      this.#versions.set(key, versions);
      this.#keys.splice(this.#search(key), 0, key);
    }
    versions.push({ revision, value });
    const previous = last?.value === undefined ? undefined : { revision: last.revision, value: last.value };
    this.#countChange(key, revision, (value === undefined ? 0 : 1) - (previous === undefined ? 0 : 1));
    if (previous !== undefined)
      for (const term of this.#keySpace.terms(key, previous.value)) this.#removeTerm({ term, key });
    if (value !== undefined)
      for (const term of this.#keySpace.terms(key, value)) this.#addTerm({ term, key });
    changes.push({ revision, key, value, previous });
    return revision;
  }

  #countChange(key: Key, revision: Revision, by: number): void {
    const partition = this.#keySpace.partition(key);
    if (partition === undefined) return;
    const { collection, tenant } = partition;
    const ofTenant = this.#counts.get(tenant) ?? new Map<string, Count>();
    this.#counts.set(tenant, ofTenant);
    for (const counts of [ofTenant, this.#totals]) {
      const count = counts.get(collection) ?? { count: 0, lastRevision: noRevision };
      count.count += by;
      count.lastRevision = revision;
      counts.set(collection, count);
    }
  }

  #addTerm(entry: IndexEntry): void {
    this.#terms.splice(this.#searchTerm(entry), 0, entry);
  }

  #removeTerm(entry: IndexEntry): void {
    const at = this.#searchTerm(entry);
    const found = this.#terms[at];
    if (found !== undefined && compareTerms(found, entry) === 0) this.#terms.splice(at, 1);
  }

  #checkRevision(at: Revision | undefined): void {
    if (at === undefined) return;
    if (at < this.#compacted) throw new CompactedError(at, this.#compacted);
    if (at > this.#current) throw new FutureRevisionError(at, this.#current);
  }

  #versionAt(key: Key, revision: Revision): Version | undefined {
    return this.#versions.get(key)?.findLast((version) => version.revision <= revision);
  }

  /** Index of the first key that is not before `key`. */
  #search(key: Key): number {
    return lowerBound(this.#keys, (other) => compareBytes(other, key));
  }

  #searchTerm(entry: IndexEntry): number {
    return lowerBound(this.#terms, (other) => compareTerms(other, entry));
  }

  #logIndex(after: Revision): number {
    return lowerBound(this.#log, (change) => (change.revision > after ? 1 : -1));
  }
}

const compareTerms = (a: IndexEntry, b: IndexEntry): number =>
  compareBytes(a.term, b.term) || compareBytes(a.key, b.key);

/** The first index whose element compares at or above 0. */
function lowerBound<T>(sorted: readonly T[], compare: (element: T) => number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(sorted[middle]!) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
