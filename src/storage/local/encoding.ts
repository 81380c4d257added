/**
 * Binary forms of the local store's keys and records. All keys order by their bytes, so that LMDB's order is the
 * order of the port: keys by UTF-8, revisions as 8 bytes big-endian.
 */
import type { Key, Revision } from "../port.ts";

const two32 = 0x1_0000_0000;

export function writeRevision(target: Uint8Array, start: number, revision: number): number {
  const high = Math.floor(revision / two32);
  const low = revision >>> 0;
  target[start] = high >>> 24;
  target[start + 1] = (high >>> 16) & 0xff;
  target[start + 2] = (high >>> 8) & 0xff;
  target[start + 3] = high & 0xff;
  target[start + 4] = low >>> 24;
  target[start + 5] = (low >>> 16) & 0xff;
  target[start + 6] = (low >>> 8) & 0xff;
  target[start + 7] = low & 0xff;
  return start + 8;
}

export function readRevision(source: Uint8Array, start: number): Revision {
  const high =
    source[start]! * 0x1_00_00_00 +
    (source[start + 1]! << 16) +
    (source[start + 2]! << 8) +
    source[start + 3]!;
  const low =
    source[start + 4]! * 0x1_00_00_00 +
    (source[start + 5]! << 16) +
    (source[start + 6]! << 8) +
    source[start + 7]!;
  return (high * two32 + low) as Revision;
}

/** How one database writes and reads its keys; LMDB gives a Buffer and offsets, so nothing is allocated in between. */
export interface KeyCodec<K> {
  writeKey(key: K, target: Buffer, start: number): number;
  readKey(source: Buffer, start: number, end: number): K;
}

/** A plain string, UTF-8. */
export const textKeys: KeyCodec<string> = {
  writeKey: (key, target, start) => start + writeText(key, target, start),
  readKey: (source, start, end) => source.toString("utf8", start, end),
};

/** A revision alone. */
export const revisionKeys: KeyCodec<Revision> = {
  writeKey: (key, target, start) => writeRevision(target, start, key),
  readKey: (source, start) => readRevision(source, start),
};

/** `text`, 0x00, revision: all revisions of one text side by side, ascending. Texts hold no 0x00. */
export interface RevisionedText {
  readonly text: string;
  readonly revision: Revision;
}

export const revisionedTextKeys: KeyCodec<RevisionedText> = {
  writeKey: (key, target, start) => {
    const end = start + writeText(key.text, target, start);
    target[end] = 0;
    return writeRevision(target, end + 1, key.revision);
  },
  readKey: (source, start, end) => ({
    text: source.toString("utf8", start, end - 9),
    revision: readRevision(source, end - 8),
  }),
};

function writeText(text: string, target: Buffer, start: number): number {
  const written = target.write(text, start, "utf8");
  // A write that stops at the buffer's end must not become a shorter key. LMDB's wrapper expects this error class.
  if (written < text.length) throw new RangeError("key does not fit");
  return written;
}

/**
 * What stands for a collection, or a tenant in it, in the index: a short hash of the collection and the tenant. Readers
 * of the index look at each change's key, so collections that share a hash cost a little time and nothing else.
 */
export function scopeText(collection: string, tenant: string): string {
  // FNV-1a, 32 bits.
  let hash = 0x811c9dc5;
  for (let i = 0; i < collection.length; i++) hash = Math.imul(hash ^ collection.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(36).padStart(7, "0") + tenant;
}

/** One entry of the change log, without values: those are in `state` or `old`. */
export interface LogRecord {
  readonly deleted: boolean;
  /** Revision of the version that this change superseded; 0 = the key was created. */
  readonly prior: Revision;
  readonly key: Key;
}

export function encodeLogRecord(key: string, deleted: boolean, prior: number): Buffer {
  const record = Buffer.allocUnsafe(9 + Buffer.byteLength(key));
  record[0] = deleted ? 1 : 0;
  writeRevision(record, 1, prior);
  record.write(key, 9, "utf8");
  return record;
}

export function decodeLogRecord(record: Buffer, size: number): LogRecord {
  return {
    deleted: record[0] === 1,
    prior: readRevision(record, 1),
    key: record.toString("utf8", 9, size) as Key,
  };
}

/** Count and last revision of one (tenant, collection) or one collection. */
export interface CountRecord {
  readonly count: number;
  readonly lastRevision: Revision;
}

export function encodeCount(count: number, lastRevision: number): Buffer {
  const record = Buffer.allocUnsafe(16);
  writeRevision(record, 0, count);
  writeRevision(record, 8, lastRevision);
  return record;
}

export function decodeCount(record: Uint8Array): CountRecord {
  return { count: readRevision(record, 0), lastRevision: readRevision(record, 8) };
}

/** Key of `counts`: `<tenant> 0x00 <collection>`, so that one tenant is one range; a collection's total has tenant "". */
export function countKey(tenant: string, collection: string): string {
  return `${tenant}\0${collection}`;
}

/** Key of `terms`: `<term> 0x00 <key>`. */
export function termKey(term: string, key: string): string {
  return `${term}\0${key}`;
}
