/**
 * The LMDB environment of one local store: its databases, their encodings, and one way to write.
 *
 * Reads see the newest commit; LMDB's wrapper renews its read transaction once per turn of the event loop, so reads of
 * one synchronous function see one snapshot. Writes run on a worker thread, so the event loop never waits for the disk.
 */
import { type Database, getLastVersion, open, type RootDatabase } from "lmdb";
import type { Revision } from "../port.ts";
import { DataDirectoryError, StoreUnavailableError } from "../port.ts";
import {
  type KeyCodec,
  type RevisionedText,
  revisionedTextKeys,
  revisionKeys,
  textKeys,
} from "./encoding.ts";

/**
 * Address space reserved for the map; costs nothing until used, and spares re-mapping (and double counting of resident
 * pages) while the file grows. LMDB's wrapper enlarges the map by itself beyond it.
 */
const reservedMapBytes = 2 ** 40;
const maxDatabases = 12;
/** Reader slots, for threads and offline readers of this and other processes. */
const maxReaders = 256;

/**
 * A write that takes longer than this has no known outcome and never will: after some failures of the disk LMDB's
 * wrapper does not answer any more. The environment takes no more writes then, until it is opened again.
 */
const writeDeadlineMs = 60_000;

/** The bytes LMDB's wrapper hands out last; valid until its next read. */
interface ViewCodec {
  bytes: Buffer;
  size: number;
  encode(value: Buffer): Buffer;
  decode(bytes: Buffer, size?: number): Buffer;
}

function viewCodec(): ViewCodec {
  return {
    bytes: Buffer.alloc(0),
    size: 0,
    encode: (value) => value,
    decode(bytes, size) {
      this.bytes = bytes;
      this.size = size ?? 0;
      return bytes;
    },
  };
}

/** The wrapper empties a database with an instruction whose key is an empty buffer. */
function tolerant<K>(keys: KeyCodec<K>): KeyCodec<K | Uint8Array> {
  return {
    writeKey: (key, target, start) => (key instanceof Uint8Array ? start : keys.writeKey(key, target, start)),
    readKey: keys.readKey,
  };
}

/** One database. Versioned ones keep a revision beside each value (LMDB stores it as 8 bytes before the value). */
export class Table<K> {
  readonly #database: Database<Buffer, never>;
  readonly #view: ViewCodec;

  constructor(root: RootDatabase, name: string, keys: KeyCodec<K>, versioned: boolean) {
    this.#view = viewCodec();
    const options = { name, useVersions: versioned, encoder: this.#view, keyEncoder: tolerant(keys) };
    this.#database = root.openDB<Buffer, never>(options);
    // A read-only environment answers undefined for a database that is not there.
    if (this.#database === undefined) throw new DataDirectoryError(`the store has no table ${name}`);
  }

  /** Size of the value under `key`, or -1. Its bytes stand in {@link bytes} until the next read of any table. */
  find(key: K): number {
    const bytes = this.#database.getBinaryFast(key as never);
    if (bytes === undefined) return -1;
    this.#view.bytes = bytes;
    this.#view.size = (this.#database as unknown as { lastSize: number }).lastSize;
    return this.#view.size;
  }

  /** The bytes of the last read; more may follow behind their size. */
  get bytes(): Buffer {
    return this.#view.bytes;
  }

  get size(): number {
    return this.#view.size;
  }

  /** The version beside the value of the last read of a versioned table. */
  lastVersion(): number {
    return getLastVersion();
  }

  /** A copy of the last read value. */
  copy(): Buffer {
    const copy = Buffer.allocUnsafe(this.#view.size);
    Buffer.prototype.copy.call(this.#view.bytes, copy, 0, 0, this.#view.size);
    return copy;
  }

  /** Entries `start <= key < end` in key order. `version` is 0 in unversioned tables. Values: see {@link bytes}. */
  *scan(start: K, end: K, options?: ScanOptions): Generator<{ readonly key: K; readonly version: number }> {
    const entries = this.#database.getRange({
      start: start as never,
      end: end as never,
      versions: true,
      ...options,
    } as never) as Iterable<{ key: K; version?: number }>;
    for (const entry of entries) yield { key: entry.key, version: entry.version ?? 0 };
  }

  /** As {@link scan}, without a generator between: for loops over very many entries. */
  iterate(start: K, end: K): Iterator<{ readonly key: K; readonly version: number }> {
    const entries = this.#database.getRange({
      start: start as never,
      end: end as never,
      versions: true,
    } as never);
    return entries[Symbol.iterator]() as unknown as Iterator<{ key: K; version: number }>;
  }

  /** Keys alone, `start <= key < end`. */
  iterateKeys(start: K, end: K): Iterator<{ readonly key: K }> {
    const keys = this.#database.getKeys({ start: start as never, end: end as never })[Symbol.iterator]();
    return {
      next: () => {
        const next = keys.next();
        return next.done === true ? next : { done: false, value: { key: next.value as K } };
      },
      return: () => keys.return?.() as IteratorReturnResult<undefined>,
    };
  }

  /** Only inside {@link Environment.write}. The buffer must not change before the write resolved. */
  put(key: K, value: Buffer, version = 0): void {
    void this.#database.put(key as never, value, version);
  }

  /**
   * As {@link put}, for a key above all others of the table: pages are then filled to the end instead of half.
   * A key that is not above all others would be dropped.
   */
  append(key: K, value: Buffer): void {
    const put = this.#database.put as unknown as (
      key: unknown,
      value: Buffer,
      options: { append: true },
    ) => Promise<boolean>;
    // Rejects with the whole transaction, which its writer hears of.
    put.call(this.#database, key, value, { append: true }).catch(() => {});
  }

  /** Only inside {@link Environment.write}. */
  remove(key: K): void {
    void this.#database.remove(key as never);
  }

  /** Only inside {@link Environment.write}. */
  clear(): void {
    void this.#database.clearAsync();
  }

  /** Number of entries. */
  entries(): number {
    return (this.#database.getStats() as { entryCount: number }).entryCount;
  }
}

export interface ScanOptions {
  readonly limit?: number;
  readonly reverse?: boolean;
}

const emptyValue = Buffer.alloc(0);

/** The tables of a local store; docs/storage.md describes their contents. */
export interface Tables {
  /** key -> value, with the revision of the change that wrote it. */
  readonly state: Table<string>;
  /** (key, R) -> the version that change R superseded, with that version's revision. */
  readonly old: Table<RevisionedText>;
  /** R -> {@link import("./encoding.ts").LogRecord}. */
  readonly log: Table<Revision>;
  /** (collection, R) and (collection, tenant, R) -> nothing; see `scopeText`. */
  readonly index: Table<RevisionedText>;
  /** tenant 0x00 collection -> count and last revision. */
  readonly counts: Table<string>;
  /** term 0x00 key -> nothing. */
  readonly terms: Table<string>;
  /** Facts about the store, by name. */
  readonly meta: Table<string>;
}

export interface Environment extends Tables {
  /**
   * Runs `body`, whose puts and removes become one transaction; resolves when it is flushed. At most one at a time.
   * Throws {@link StoreUnavailableError} when it was not committed, or when that is not known.
   */
  write(body: () => void): Promise<void>;
  /** Bytes of the data file; pages that compaction freed are reused before it grows. */
  sizes(): { readonly fileBytes: number };
  close(): Promise<void>;
}

export interface EnvironmentOptions {
  /** Directory of the LMDB files; must exist. */
  readonly path: string;
  readonly readOnly?: boolean;
  /** For tests: the first size of the map in bytes. */
  readonly mapBytes?: number;
}

export function openEnvironment(options: EnvironmentOptions): Environment {
  const root = openRoot(options);
  const env: Tables = {
    state: new Table(root, "state", textKeys, true),
    old: new Table(root, "old", revisionedTextKeys, true),
    log: new Table(root, "log", revisionKeys, false),
    index: new Table(root, "index", revisionedTextKeys, false),
    counts: new Table(root, "counts", textKeys, false),
    terms: new Table(root, "terms", textKeys, false),
    meta: new Table(root, "meta", textKeys, false),
  };
  let writing = false;
  let stalled = false;
  return {
    ...env,
    async write(body) {
      if (stalled)
        throw new StoreUnavailableError("the data directory stopped answering: restart the server");
      if (writing) throw new Error("a write is under way");
      writing = true;
      let timer: NodeJS.Timeout | undefined;
      const deadline = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          stalled = true;
          reject(new Error(`no answer within ${writeDeadlineMs} ms`));
        }, writeDeadlineMs);
      });
      try {
        await Promise.race([root.batch(body), deadline]);
      } catch (error) {
        throw new StoreUnavailableError(`the data directory refused a write: ${await reasonOf(error)}`);
      } finally {
        clearTimeout(timer);
        writing = false;
      }
    },
    sizes() {
      const stats = root.getStats() as { lastPageNumber: number; pageSize: number };
      return { fileBytes: (stats.lastPageNumber + 1) * stats.pageSize };
    },
    // Closing waits for writes: for one that never ends it would wait for ever.
    close: () => (stalled ? Promise.resolve() : root.close()),
  };
}

function openRoot(options: EnvironmentOptions): RootDatabase {
  try {
    return open({
      path: options.path,
      // The path may have dots in it: always a directory.
      noSubdir: false,
      mapSize: options.mapBytes ?? reservedMapBytes,
      maxDbs: maxDatabases,
      maxReaders,
      encoding: "binary",
      keyEncoding: "binary",
      readOnly: options.readOnly ?? false,
      // A commit becomes readable only after its flush: durable before visible. Also a little faster (libraries' own
      // overlapping mode keeps pages of two commits busy).
      overlappingSync: false,
      // Every write is one explicit batch. The wrapper's own batches have promises nobody can catch a failure of.
      eventTurnBatching: false,
    });
  } catch (error) {
    throw new DataDirectoryError(`${options.path} is not a usable store: ${(error as Error).message}`);
  }
}

/** The wrapper rejects with a general error that carries a promise of the reason. */
async function reasonOf(error: unknown): Promise<string> {
  const { commitError } = error as { commitError?: Promise<unknown> };
  if (commitError === undefined) return String((error as Error).message);
  return commitError.then(
    () => "unknown reason",
    (reason: unknown) => (reason as Error).message,
  );
}

export { emptyValue };
