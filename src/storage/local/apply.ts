/** What one batch of changes writes into each table. */
import type { Change, Entry, Key, KeySpace, Revision } from "../port.ts";
import { noRevision, StoreLimitError } from "../port.ts";
import {
  countKey,
  decodeCount,
  encodeCount,
  encodeLogRecord,
  scopeText,
  termKey,
  writeRevision,
} from "./encoding.ts";
import { emptyValue, type Tables } from "./environment.ts";
import { metaKeys } from "./meta.ts";

/** A change as its decider knows it: the local store finds what it superseded. */
export interface LocalChange {
  readonly revision: Revision;
  readonly key: Key;
  /** undefined = deleted. Must not be modified afterwards. */
  readonly value: Buffer | undefined;
  /** `KeySpace.terms` of the value, when the caller has them already. */
  readonly terms?: readonly string[];
}

/** Longest index term in UTF-8 bytes; it shares an LMDB key with the longest key. */
const maxTermBytes = 400;

interface Version {
  readonly revision: Revision;
  readonly value: Buffer;
}

interface Tally {
  count: number;
  lastRevision: Revision;
}

/** A batch being built: the newest version of each touched key, and the counts it changes. */
export interface PreparedBatch {
  /** The changes with what they superseded, in revision order. Deletes that found nothing are left out. */
  readonly changes: readonly Change[];
  /** Puts and removes everything; to be called inside a write. */
  write(): void;
}

/**
 * Prepares a batch against the committed tables. `changes` ascend in revision, from above the newest one stored.
 * @throws StoreLimitError when an index term is too long.
 */
export function prepareBatch(
  tables: Tables,
  keySpace: KeySpace,
  changes: readonly LocalChange[],
): PreparedBatch {
  const latest = new Map<Key, Version | undefined>();
  const tallies = new Map<string, Tally>();
  const addedTerms = new Set<string>();
  const removedTerms = new Set<string>();
  const done: Change[] = [];
  let newest = noRevision;

  const latestOf = (key: Key): Version | undefined => {
    if (latest.has(key)) return latest.get(key);
    if (tables.state.find(key) < 0) return undefined;
    return { revision: tables.state.lastVersion() as Revision, value: tables.state.copy() };
  };
  const tally = (key: string, step: number, revision: Revision): void => {
    let record = tallies.get(key);
    if (record === undefined) {
      record = readTally(tables, key);
      tallies.set(key, record);
    }
    record.count += step;
    record.lastRevision = revision;
  };

  for (const { revision, key, value, terms } of changes) {
    if (revision <= newest) throw new RangeError("changes must ascend in revision");
    newest = revision;
    const previous = latestOf(key);
    if (value === undefined && previous === undefined) continue;
    latest.set(key, value === undefined ? undefined : { revision, value });
    done.push({ revision, key, value, previous });
    const partition = keySpace.partition(key);
    if (partition !== undefined) {
      const step = (value === undefined ? 0 : 1) - (previous === undefined ? 0 : 1);
      tally(countKey(partition.tenant, partition.collection), step, revision);
      tally(countKey("", partition.collection), step, revision);
    }
    if (previous !== undefined) {
      for (const term of keySpace.terms(key, previous.value))
        moveTerm(termKey(term, key), removedTerms, addedTerms);
    }
    if (value !== undefined) {
      for (const term of terms ?? keySpace.terms(key, value)) {
        checkTerm(term);
        moveTerm(termKey(term, key), addedTerms, removedTerms);
      }
    }
  }

  return {
    changes: done,
    write() {
      for (const change of done) writeHistory(tables, keySpace, change);
      for (const [key, version] of latest) {
        if (version === undefined) tables.state.remove(key);
        else tables.state.put(key, version.value, version.revision);
      }
      for (const [key, record] of tallies)
        tables.counts.put(key, encodeCount(record.count, record.lastRevision));
      for (const term of removedTerms) tables.terms.remove(term);
      for (const term of addedTerms) tables.terms.put(term, emptyValue);
      if (newest !== noRevision) tables.meta.put(metaKeys.current, encodeRevision(newest));
    },
  };
}

export function encodeRevision(revision: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  writeRevision(bytes, 0, revision);
  return bytes;
}

/** Puts one change's index entries; also used when derived data is rebuilt. */
export function writeIndex(tables: Tables, keySpace: KeySpace, key: Key, revision: Revision): void {
  const partition = keySpace.partition(key);
  if (partition === undefined) return;
  tables.index.put({ text: scopeText(partition.collection, ""), revision }, emptyValue);
  tables.index.put({ text: scopeText(partition.collection, partition.tenant), revision }, emptyValue);
}

/** Writes current entries of new keys without history; to be called inside a write. */
export function loadEntries(tables: Tables, keySpace: KeySpace, entries: readonly Entry[]): void {
  const tallies = new Map<string, Tally>();
  for (const { key, value, revision } of entries) {
    tables.state.put(key, value, revision);
    for (const term of keySpace.terms(key, value)) {
      checkTerm(term);
      tables.terms.put(termKey(term, key), emptyValue);
    }
    const partition = keySpace.partition(key);
    if (partition === undefined) continue;
    for (const name of [
      countKey(partition.tenant, partition.collection),
      countKey("", partition.collection),
    ]) {
      const tally = tallies.get(name) ?? readTally(tables, name);
      tallies.set(name, tally);
      tally.count++;
      if (revision > tally.lastRevision) tally.lastRevision = revision;
    }
  }
  for (const [key, record] of tallies) tables.counts.put(key, encodeCount(record.count, record.lastRevision));
}

/** Throws {@link StoreLimitError} for a term that cannot be stored. */
export function checkTerm(term: string): void {
  if (Buffer.byteLength(term) > maxTermBytes || term.includes("\0")) {
    throw new StoreLimitError(`an index term is longer than ${maxTermBytes} bytes or has a zero byte`);
  }
}

function writeHistory(tables: Tables, keySpace: KeySpace, change: Change): void {
  const { revision, key, value, previous } = change;
  tables.log.append(revision, encodeLogRecord(key, value === undefined, previous?.revision ?? noRevision));
  writeIndex(tables, keySpace, key, revision);
  if (previous !== undefined) tables.old.put({ text: key, revision }, previous.value, previous.revision);
}

function moveTerm(entry: string, into: Set<string>, outOf: Set<string>): void {
  // The newest version decides: what it has is added, what only an older one had is removed.
  outOf.delete(entry);
  into.add(entry);
}

function readTally(tables: Tables, key: string): Tally {
  if (tables.counts.find(key) < 0) return { count: 0, lastRevision: noRevision };
  const { count, lastRevision } = decodeCount(tables.counts.bytes);
  return { count, lastRevision };
}
