/** The change log, read in slices: of everything, of one collection, or of one tenant in a collection. */
import type { Change, Key, Revision } from "../port.ts";
import { noRevision } from "../port.ts";
import { countKey, decodeCount, decodeLogRecord, scopeText } from "./encoding.ts";
import type { Tables } from "./environment.ts";
import { lastRevision } from "./reader.ts";

/** Whose changes: everything, a collection's, or a tenant's in a collection. */
export type Scope =
  | { readonly type: "all" }
  | { readonly type: "collection"; readonly collection: string }
  | { readonly type: "tenant"; readonly collection: string; readonly tenant: string };

export interface SliceLimits {
  readonly maxChanges: number;
  readonly maxBytes: number;
}

export interface Slice {
  readonly changes: readonly Change[];
  /** Every change of the scope up to here was looked at. */
  readonly upTo: Revision;
}

/** What a watch hub reads when a watch begins in the past. */
export interface History {
  current(): Revision;
  compacted(): Revision;
  /** Revision of the scope's last change, or more; 0 = it never had any. */
  lastChange(scope: Scope): Revision;
  /** Changes of keys that start with `prefix`, after `after`, up to the current revision or a limit. */
  slice(scope: Scope, prefix: string, after: Revision, limits: SliceLimits): Slice;
}

/** {@link History.lastChange} from the counts table. */
export function lastChangeOf(tables: Tables, scope: Scope, current: Revision): Revision {
  if (scope.type === "all") return current;
  const key = countKey(scope.type === "tenant" ? scope.tenant : "", scope.collection);
  if (tables.counts.find(key) < 0) return noRevision;
  return decodeCount(tables.counts.bytes).lastRevision;
}

/** {@link History.slice} from the log. */
export function readSlice(
  tables: Tables,
  scope: Scope,
  prefix: string,
  after: Revision,
  current: Revision,
  limits: SliceLimits,
): Slice {
  const changes: Change[] = [];
  let bytes = 0;
  let looked = 0;
  for (const revision of revisionsOf(tables, scope, (after + 1) as Revision)) {
    // The snapshot may hold a commit that is not announced yet: the hub gets it from its announcement.
    if (revision > current) break;
    const change = changeAt(tables, revision, prefix);
    if (change !== undefined) {
      changes.push(change);
      bytes += (change.value?.length ?? 0) + (change.previous?.value.length ?? 0);
    }
    looked++;
    if (looked >= limits.maxChanges || bytes >= limits.maxBytes) return { changes, upTo: revision };
  }
  return { changes, upTo: current };
}

function* revisionsOf(tables: Tables, scope: Scope, from: Revision): Generator<Revision> {
  if (scope.type === "all") {
    const keys = tables.log.iterateKeys(from, lastRevision);
    try {
      for (let next = keys.next(); next.done !== true; next = keys.next()) yield next.value.key;
    } finally {
      keys.return?.();
    }
    return;
  }
  const text = scopeText(scope.collection, scope.type === "tenant" ? scope.tenant : "");
  const keys = tables.index.iterateKeys({ text, revision: from }, { text, revision: lastRevision });
  try {
    for (let next = keys.next(); next.done !== true; next = keys.next()) yield next.value.key.revision;
  } finally {
    keys.return?.();
  }
}

/** The change `revision` with its values, or undefined when its key does not start with `prefix`. */
function changeAt(tables: Tables, revision: Revision, prefix: string): Change | undefined {
  const { log, old } = tables;
  const size = log.find(revision);
  if (size < 0) throw new Error(`the change log lacks revision ${revision}`);
  const { key, prior, deleted } = decodeLogRecord(log.bytes, size);
  if (!key.startsWith(prefix)) return undefined;
  let previous: Change["previous"];
  if (prior !== noRevision) {
    if (old.find({ text: key, revision }) < 0)
      throw new Error(`revision ${revision} lacks its previous version`);
    previous = { revision: prior, value: old.copy() };
  }
  return { revision, key, value: deleted ? undefined : writtenValue(tables, key, revision), previous };
}

/** The value that change `revision` wrote: still current, or superseded by the next change of the key. */
function writtenValue(tables: Tables, key: Key, revision: Revision): Buffer {
  const { state, old } = tables;
  if (state.find(key) >= 0 && state.lastVersion() === revision) return state.copy();
  const next = { text: key, revision: (revision + 1) as Revision };
  for (const entry of old.scan(next, { text: key, revision: lastRevision }, { limit: 1 })) {
    if (entry.version === revision) return old.copy();
  }
  throw new Error(`revision ${revision} lacks its value`);
}
