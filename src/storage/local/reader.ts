/**
 * Reads of the local store at a revision. `state` has the newest versions; a version that a change superseded is in
 * `old` under that change's revision. The value of key k at revision X is therefore: the first entry (k, R > X) of
 * `old` holds the version before R, which is the answer if it is not newer than X; without such an entry, `state`.
 *
 * LMDB's snapshot may be one commit ahead of the announced revision, never behind it. "Now" is the announced revision.
 */
import { compareBytes } from "#base/bytes.ts";
import {
  CompactedError,
  type Entry,
  FutureRevisionError,
  type Key,
  type KeyRange,
  noRevision,
  type Revision,
  type Visitor,
} from "../port.ts";
import { type RevisionedText, readRevision } from "./encoding.ts";
import type { Tables } from "./environment.ts";
import { metaKeys } from "./meta.ts";

/** The highest revision a key can carry: scans up to here see all of a key's versions. */
export const lastRevision = Number.MAX_SAFE_INTEGER as Revision;
/** So many versions of one key are stepped over before a seek to the next key is cheaper. */
const stepsBeforeSeek = 8;
const firstScratchBytes = 64 * 1024;

/** What the reader must know of its owner: the announced and the compacted revision. */
export interface Horizon {
  current(): Revision;
  compacted(): Revision;
}

export class Reader {
  readonly #tables: Tables;
  readonly #horizon: Horizon;
  /** One scratch buffer for each depth of visits inside visits. */
  readonly #scratch: Buffer[] = [];
  #depth = 0;

  constructor(tables: Tables, horizon: Horizon) {
    this.#tables = tables;
    this.#horizon = horizon;
  }

  get(key: Key, at?: Revision): Entry | undefined {
    const horizon = this.#checked(at);
    const { state, old } = this.#tables;
    if (at === undefined) {
      const revision = this.#stateRevision(key);
      if (revision === noRevision) {
        // Absent from the snapshot; a commit that is not announced yet may just have removed it.
        return this.#aheadOfAnnounced() ? this.#superseded(key, horizon) : undefined;
      }
      if (revision <= horizon) return { key, value: state.copy(), revision };
    }
    const first = this.#firstSuperseded(key, horizon);
    if (first !== undefined)
      return first <= horizon ? { key, value: old.copy(), revision: first } : undefined;
    const revision = this.#stateRevision(key);
    if (revision === noRevision || revision > horizon) return undefined;
    return { key, value: state.copy(), revision };
  }

  revisionOf(key: Key): Revision {
    const horizon = this.#horizon.current();
    const revision = this.#stateRevision(key);
    if (revision !== noRevision && revision <= horizon) return revision;
    if (revision === noRevision && !this.#aheadOfAnnounced()) return noRevision;
    const first = this.#firstSuperseded(key, horizon);
    return first !== undefined && first <= horizon ? first : noRevision;
  }

  visit(range: KeyRange, at: Revision | undefined, visitor: Visitor): void {
    const horizon = this.#checked(at);
    const depth = this.#depth++;
    try {
      // Nothing changed after `horizon` in what the snapshot shows: `state` is the answer.
      if (this.#snapshotRevision() <= horizon) this.#visitState(range, depth, visitor);
      else this.#visitMerged(range, horizon, depth, visitor);
    } finally {
      this.#depth--;
    }
  }

  /** Revision of the last change that LMDB's snapshot shows. */
  #snapshotRevision(): Revision {
    const { meta } = this.#tables;
    return meta.find(metaKeys.current) < 0 ? noRevision : readRevision(meta.bytes, 0);
  }

  #aheadOfAnnounced(): boolean {
    return this.#snapshotRevision() > this.#horizon.current();
  }

  #checked(at: Revision | undefined): Revision {
    const current = this.#horizon.current();
    if (at === undefined) return current;
    if (at > current) throw new FutureRevisionError(at, current);
    const compacted = this.#horizon.compacted();
    if (at < compacted) throw new CompactedError(at, compacted);
    return at;
  }

  #superseded(key: Key, horizon: Revision): Entry | undefined {
    const first = this.#firstSuperseded(key, horizon);
    return first !== undefined && first <= horizon
      ? { key, value: this.#tables.old.copy(), revision: first }
      : undefined;
  }

  #stateRevision(key: Key): Revision {
    const { state } = this.#tables;
    return state.find(key) < 0 ? noRevision : (state.lastVersion() as Revision);
  }

  /** Revision of the version that the first change after `horizon` superseded; its value is the last read of `old`. */
  #firstSuperseded(key: string, horizon: Revision): Revision | undefined {
    const start: RevisionedText = { text: key, revision: (horizon + 1) as Revision };
    for (const entry of this.#tables.old.scan(start, { text: key, revision: lastRevision }, { limit: 1 })) {
      return entry.version as Revision;
    }
    return undefined;
  }

  #visitState(range: KeyRange, depth: number, visitor: Visitor): void {
    const { state } = this.#tables;
    const entries = state.iterate(range.start, range.end);
    try {
      for (let entry = entries.next(); entry.done !== true; entry = entries.next()) {
        const { key, version } = entry.value;
        const value = this.#view(state.bytes, state.size, depth);
        if (visitor(key as Key, value, version as Revision) === false) return;
      }
    } finally {
      entries.return?.();
    }
  }

  /** The ordered union of `state` and `old` at `horizon`. */
  #visitMerged(range: KeyRange, horizon: Revision, depth: number, visitor: Visitor): void {
    const { state, old } = this.#tables;
    const current = state.iterate(range.start, range.end);
    const superseded = new SupersededKeys(this.#tables, range);
    try {
      let entry = current.next();
      let oldKey = superseded.next();
      while (entry.done !== true || oldKey !== undefined) {
        const stateKey = entry.done === true ? undefined : entry.value.key;
        // Neither UTF-16 comparison nor a string's own order is the byte order above U+FFFF.
        const order = stateKey === undefined ? 1 : oldKey === undefined ? -1 : compareBytes(stateKey, oldKey);
        const key = order <= 0 ? stateKey! : oldKey!;
        let answered = false;
        if (order <= 0 && entry.done !== true && entry.value.version <= horizon) {
          // A current version this old was not superseded after `horizon`. Read anew: its bytes may be overwritten.
          state.find(key);
          const value = this.#view(state.bytes, state.size, depth);
          answered = true;
          if (visitor(key as Key, value, entry.value.version as Revision) === false) return;
        }
        if (!answered && order >= 0) {
          const first = this.#firstSuperseded(key, horizon);
          if (first !== undefined && first <= horizon) {
            if (visitor(key as Key, this.#view(old.bytes, old.size, depth), first) === false) return;
          }
        }
        if (order <= 0) entry = current.next();
        if (order >= 0) oldKey = superseded.next();
      }
    } finally {
      current.return?.();
      superseded.close();
    }
  }

  /** The value in a buffer that no read overwrites while the visitor runs. */
  #view(bytes: Buffer, size: number, depth: number): Buffer {
    let scratch = this.#scratch[depth];
    if (scratch === undefined || scratch.length < size) {
      scratch = Buffer.allocUnsafeSlow(Math.max(firstScratchBytes, size));
      this.#scratch[depth] = scratch;
    }
    Buffer.prototype.copy.call(bytes, scratch, 0, 0, size);
    return scratch.subarray(0, size);
  }
}

/** The distinct keys of `old` within a range. */
class SupersededKeys {
  readonly #tables: Tables;
  readonly #end: RevisionedText;
  #entries: Iterator<{ readonly key: RevisionedText }>;
  #last: string | undefined;

  constructor(tables: Tables, range: KeyRange) {
    this.#tables = tables;
    this.#end = boundOf(range.end);
    this.#entries = tables.old.iterateKeys(boundOf(range.start), this.#end);
  }

  next(): string | undefined {
    for (let steps = 0; ; steps++) {
      if (steps === stepsBeforeSeek && this.#last !== undefined) {
        this.close();
        this.#entries = this.#tables.old.iterateKeys({ text: this.#last, revision: lastRevision }, this.#end);
      }
      const entry = this.#entries.next();
      if (entry.done === true) return undefined;
      if (entry.value.key.text !== this.#last) {
        this.#last = entry.value.key.text;
        return this.#last;
      }
    }
  }

  close(): void {
    this.#entries.return?.();
  }
}

/** Where `text` stands among the keys with revisions. Keys hold no 0x00, so `key\0` is behind all revisions of `key`. */
function boundOf(text: string): RevisionedText {
  const zero = text.indexOf("\0");
  return zero < 0 ? { text, revision: noRevision } : { text: text.slice(0, zero), revision: lastRevision };
}
