/** The embedded engine: this process decides every write, and keeps everything in one LMDB environment. */
import { statfsSync } from "node:fs";
import { type Clock, systemClock } from "#base/clock.ts";
import { type LocalStore, openLocalStore } from "../local/local-store.ts";
import {
  type IndexEntry,
  type Key,
  type KeyRange,
  type KeySpace,
  type Revision,
  type Store,
  StoreUnavailableError,
  type Txn,
  type Visitor,
  type WatchOptions,
} from "../port.ts";
import { defaultRetention, type Retention, startRetention } from "../retention.ts";
import { CommitQueue } from "./commit-queue.ts";
import { type DataDirectory, openDataDirectory } from "./data-directory.ts";

/** Writes are refused while the disk has less room than this: LMDB itself is never run against a full disk. */
const defaultMinFreeBytes = 64 * 1024 * 1024;
/** A group of changes touches at most about so many bytes of pages for each byte of values. */
const pageBytesPerByte = 4;

export interface EmbeddedStoreOptions {
  /** Created if it is not there; else it must be empty or an embedded store. */
  readonly directory: string;
  readonly keySpace: KeySpace;
  /** How long history is kept; `false` = until {@link Store.compact} is called. */
  readonly retention?: Retention | false;
  readonly clock?: Clock;
  readonly minFreeBytes?: number;
  /** For tests: the first size of LMDB's map in bytes. */
  readonly mapBytes?: number;
}

/** @throws DataDirectoryError when the directory is in use, foreign or damaged; nothing in it was changed */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<Store> {
  const directory = await openDataDirectory(options.directory);
  try {
    const map = options.mapBytes === undefined ? {} : { mapBytes: options.mapBytes };
    const local = await openLocalStore({ path: directory.path, keySpace: options.keySpace, ...map });
    return new EmbeddedStore(directory, local, options);
  } catch (error) {
    directory.release();
    throw error;
  }
}

class EmbeddedStore implements Store {
  readonly #directory: DataDirectory;
  readonly #local: LocalStore;
  readonly #queue: CommitQueue;
  readonly #minFreeBytes: number;
  readonly #stopRetention: () => void;
  #closing: Promise<void> | undefined;

  constructor(directory: DataDirectory, local: LocalStore, options: EmbeddedStoreOptions) {
    this.#directory = directory;
    this.#local = local;
    this.#minFreeBytes = options.minFreeBytes ?? defaultMinFreeBytes;
    this.#queue = new CommitQueue({
      keySpace: options.keySpace,
      newest: local.current(),
      revisionOf: (key) => local.revisionOf(key),
      apply: async (changes, bytes) => {
        // Deletions may use the reserve: they are how room is made.
        if (changes.some(({ value }) => value !== undefined)) this.#ensureRoom(bytes);
        await local.apply(changes);
      },
    });
    const { retention = defaultRetention, clock = systemClock } = options;
    this.#stopRetention = retention === false ? () => {} : startRetention(this, retention, clock);
  }

  current = (): Revision => this.#local.current();
  compacted = (): Revision => this.#local.compacted();
  /** This process decides: what it shows is what was answered. */
  fresh = (): Revision => this.#local.current();
  waitFor = (revision: Revision, timeoutMs: number) => this.#local.waitFor(revision, timeoutMs);
  get = (key: Key, at?: Revision) => this.#local.get(key, at);
  revisionOf = (key: Key) => this.#local.revisionOf(key);
  visit = (range: KeyRange, at: Revision | undefined, visitor: Visitor) =>
    this.#local.visit(range, at, visitor);
  count = (collection: string, tenant?: string) => this.#local.count(collection, tenant);
  tenantCounts = (tenant: string) => this.#local.tenantCounts(tenant);
  indexEntries = (from: string, to: string, limit: number, after?: IndexEntry) =>
    this.#local.indexEntries(from, to, limit, after);
  commit = (txn: Txn) => this.#queue.commit(txn);
  watch = (options: WatchOptions) => this.#local.watch(options);
  compact = (revision: Revision) => this.#local.compact(revision);

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  stats(): Readonly<Record<string, number>> {
    return { ...this.#local.stats(), ...this.#queue.stats() };
  }

  async #close(): Promise<void> {
    this.#stopRetention();
    await this.#queue.close();
    await this.#local.close();
    this.#directory.release();
  }

  #ensureRoom(bytes: number): void {
    const { bavail, bsize } = statfsSync(this.#directory.path);
    if (bavail * bsize < this.#minFreeBytes + bytes * pageBytesPerByte) {
      throw new StoreUnavailableError("the disk of the data directory is full: writes wait for room");
    }
  }
}
