/**
 * The port of the store: one flat, byte-ordered, revisioned key space, in etcd's vocabulary.
 *
 * Reads are synchronous snapshots of a local ordered copy; freshness and commits are asynchronous. Engines
 * (`memory/`, `embedded/`, `etcd/`) differ in who decides a write; one suite (`suite/`) tests them all.
 * The store knows bytes, not objects: how a key splits into collection and tenant, and which index entries a
 * value has, is told to it at open by a {@link KeySpace}.
 *
 * Guarantees (docs/promises.md numbers them):
 * - *Durable before visible*: no read or watch shows a change that a crash could take back.
 * - *One change, one revision*: every change of a transaction has its own revision, in order of its operations.
 * - *No revision is used twice*, not even after a crash.
 */
import type { Brand } from "#base/brand.ts";

/** A key of the flat key space: a well-formed string, ordered by its UTF-8 bytes. At most {@link maxKeyBytes}. */
export type Key = Brand<string, "Key">;

/** The revision of one change: a positive safe integer, strictly increasing. 0 ({@link noRevision}) means "absent". */
export type Revision = Brand<number, "Revision">;

export const noRevision = 0 as Revision;

/** Largest key in UTF-8 bytes; larger ones are refused with {@link StoreLimitError}. */
export const maxKeyBytes = 1_536;
/** Largest value in bytes (etcd's default request limit is 1.5 MiB, with the key and the envelope). */
export const maxValueBytes = 1_536 * 1_024 - 4_096;
/** Most operations in one transaction (etcd's default `--max-txn-ops`). */
export const maxTxnOperations = 128;

/** One stored pair. `value` is the reader's own copy unless a function says otherwise. */
export interface Entry {
  readonly key: Key;
  readonly value: Buffer;
  /** Revision of the change that wrote this value (etcd's mod revision). */
  readonly revision: Revision;
}

/** Keys `start <= key < end` in byte order. {@link prefixRange} makes the exact range of a prefix. */
export interface KeyRange {
  readonly start: Key;
  readonly end: Key;
}

/** One committed change. `value` undefined = the key was deleted. `previous` undefined = the key was created. */
export interface Change {
  readonly revision: Revision;
  readonly key: Key;
  readonly value: Buffer | undefined;
  readonly previous: { readonly revision: Revision; readonly value: Buffer } | undefined;
}

export type Operation =
  | { readonly type: "put"; readonly key: Key; readonly value: Buffer }
  /** Deleting a key that is not there changes nothing and takes no revision. */
  | { readonly type: "delete"; readonly key: Key };

export interface Comparison {
  readonly key: Key;
  /** The key's revision must be exactly this; 0 = the key must not exist. */
  readonly revision: Revision;
}

/** All operations happen, in order, or none does. A key may stand in one operation only. */
export interface Txn {
  readonly compare: readonly Comparison[];
  readonly operations: readonly Operation[];
}

export type TxnResult =
  /** `revisions[i]` belongs to `operations[i]`; 0 for a delete that found nothing. */
  | { readonly ok: true; readonly revisions: readonly Revision[] }
  /** Nothing was written. `failed` is the index of the first comparison that did not hold. */
  | { readonly ok: false; readonly failed: number };

/**
 * Visits entries in key order. `value` is a view that is valid only during the call: copy what is kept.
 * Returning false stops the visit.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: most visitors answer nothing
export type Visitor = (key: Key, value: Buffer, revision: Revision) => boolean | undefined | void;

/** One entry of a secondary index, derived by the store from every current value. */
export interface IndexEntry {
  readonly term: string;
  readonly key: Key;
}

/** How a key splits: `/registry/core/secrets/acme/default/x` is collection `/registry/core/secrets/`, tenant `acme`. */
export interface Partition {
  /** Prefix up to the tenant, with its trailing slash. */
  readonly collection: string;
  readonly tenant: string;
}

/** What the opener tells the store about its keys. Both functions are pure; a change of either rebuilds derived data. */
export interface KeySpace {
  /** Changes when `partition` or `terms` would answer differently for stored data; derived data is then rebuilt at open. */
  readonly version: string;
  /** All keys live below this prefix (etcd: the range that is replicated). */
  readonly prefix: string;
  /** The partition of a key; undefined for keys that belong to no tenant. */
  partition(key: Key): Partition | undefined;
  /** Index terms of a current value, as `<index name>/<term>` strings; most values have none. */
  terms(key: Key, value: Buffer): readonly string[];
}

/** Number of current keys of one tenant in one collection. */
export interface TenantCount {
  readonly collection: string;
  readonly count: number;
  /** Revision of the last change in this (collection, tenant) that can be read, or a later one up to the current: while a change is committed. */
  readonly lastRevision: Revision;
}

export interface WatchOptions {
  /**
   * Only changes of keys that start with this. It must be "" (everything), a collection, or a collection + tenant + "/",
   * or begin with such a one (narrower prefixes are filtered from the partition's changes).
   */
  readonly prefix: string;
  /** Changes with a greater revision are delivered. Older than the compacted revision: CompactedError at once. */
  readonly after: Revision;
  /** Called with changes in revision order, each exactly once; never re-entrantly from `watch` itself. Must not throw. */
  onChanges(changes: readonly Change[]): void;
  /**
   * Called after the changes up to `revision` that concern this watch were delivered: when catching up has ended, and
   * whenever {@link Watch.requestProgress} was called.
   */
  onProgress?(revision: Revision): void;
  /** The watch ended by itself: compacted past a slow catch-up, or the store closed. Not called after `close`. */
  onEnd(error: Error): void;
}

export interface Watch {
  /** Delivers `onProgress` soon, once everything up to the then current revision was delivered. */
  requestProgress(): void;
  close(): void;
}

export interface Store {
  /** Newest visible revision. */
  current(): Revision;
  /** Reads and watches below this answer {@link CompactedError}: `at` must be >= compacted(), `after` likewise. */
  compacted(): Revision;
  /**
   * A revision at least as new as every write that anyone, through any server, had answered before this call; the local
   * copy has reached it when it is returned. Synchronous where this process decides the writes.
   */
  fresh(): Revision | Promise<Revision>;
  /** Resolves true once `current() >= revision`, or false after `timeoutMs`. */
  waitFor(revision: Revision, timeoutMs: number): Promise<boolean>;

  /** The value at `at` (default: now). Throws {@link CompactedError}, {@link FutureRevisionError}. */
  get(key: Key, at?: Revision): Entry | undefined;
  /** Revision of a key's current value without copying the value; 0 = absent. */
  revisionOf(key: Key): Revision;
  /** Visits a range at `at` (default: now). Same errors as `get`. Callers bound the time they spend and resume by key. */
  visit(range: KeyRange, at: Revision | undefined, visitor: Visitor): void;
  /** Number of keys of one (collection, tenant), without reading them; with no tenant, of the whole collection. */
  count(collection: string, tenant?: string): number;
  /** What a tenant holds, ordered by collection; empty ones are left out. */
  tenantCounts(tenant: string): TenantCount[];
  /** Current index entries `from <= term < to`, in term order, at most `limit`; `after` resumes behind an entry. */
  indexEntries(from: string, to: string, limit: number, after?: IndexEntry): IndexEntry[];

  /** Commits durably. What made a comparison fail can be read when that is answered. Throws {@link StoreLimitError}, {@link StoreUnavailableError}. An unknown outcome also throws the latter. */
  commit(txn: Txn): Promise<TxnResult>;
  /** See {@link WatchOptions}. Throws {@link CompactedError}. */
  watch(options: WatchOptions): Watch;
  /** Forgets history up to and including `revision`, in bounded steps, never stalling other calls. */
  compact(revision: Revision): Promise<void>;
  /** Ends watches, waits for commits under way, releases everything. Idempotent. */
  close(): Promise<void>;
  /** Free-form facts for metrics and health: sizes in bytes, queue lengths, lag. Names are prometheus-like. */
  stats(): Readonly<Record<string, number>>;
}

/** The history asked for was compacted away. */
export class CompactedError extends Error {
  override readonly name = "CompactedError";
  readonly requested: Revision;
  readonly compacted: Revision;
  constructor(requested: Revision, compacted: Revision) {
    super(`revision ${requested} has been compacted (oldest kept: ${compacted})`);
    this.requested = requested;
    this.compacted = compacted;
  }
}

/** A read at a revision that does not exist yet. */
export class FutureRevisionError extends Error {
  override readonly name = "FutureRevisionError";
  readonly requested: Revision;
  readonly current: Revision;
  constructor(requested: Revision, current: Revision) {
    super(`revision ${requested} is in the future (current: ${current})`);
    this.requested = requested;
    this.current = current;
  }
}

/** A key, value or transaction is larger than the store takes. Nothing was written. */
export class StoreLimitError extends Error {
  override readonly name = "StoreLimitError";
}

/** The store cannot serve now (disk full, etcd unreachable, closed). Whether a commit under way happened may be unknown. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
}

/** The data directory is locked by another process, corrupt, or not ours. Nothing in it was changed. */
export class DataDirectoryError extends Error {
  override readonly name = "DataDirectoryError";
}

/** The exact range of all keys that start with `prefix` (which must not be empty or end in U+10FFFF). */
export function prefixRange(prefix: string): KeyRange {
  const last = prefix.codePointAt(prefix.length - 1);
  if (last === undefined || last >= 0x10ffff)
    throw new RangeError(`prefixRange: unusable prefix ${JSON.stringify(prefix)}`);
  const head = prefix.slice(0, prefix.length - (last > 0xffff ? 2 : 1));
  // U+D7FF is followed by the surrogates, which are no scalar values: the next one is U+E000.
  const next = last === 0xd7ff ? 0xe000 : last + 1;
  return { start: prefix as Key, end: (head + String.fromCodePoint(next)) as Key };
}
