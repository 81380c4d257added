/** Removal of history, in steps small enough that no other write waits long. */
import type { KeySpace, Revision } from "../port.ts";
import { countKey, decodeCount, decodeLogRecord, type LogRecord, scopeText } from "./encoding.ts";
import type { Tables } from "./environment.ts";

/** Most log entries that one step removes; a step is one write transaction. */
const maxSweepEntries = 500;

export interface SweepStep {
  /** Everything up to here is gone once the step was written. */
  readonly swept: Revision;
  /** Whether `target` is reached. */
  readonly done: boolean;
  /** Removes; to be called inside a write. */
  write(): void;
}

/** Plans the next step of removing the history after `swept` up to and including `target`. */
export function planSweep(tables: Tables, keySpace: KeySpace, swept: Revision, target: Revision): SweepStep {
  const entries: { revision: Revision; record: LogRecord }[] = [];
  const from = (swept + 1) as Revision;
  const end = (target + 1) as Revision;
  for (const { key } of tables.log.scan(from, end, { limit: maxSweepEntries })) {
    entries.push({ revision: key, record: decodeLogRecord(tables.log.bytes, tables.log.size) });
  }
  const done = entries.length < maxSweepEntries;
  const emptied = emptiedCounts(tables, keySpace, entries, target);
  return {
    swept: done ? target : entries.at(-1)!.revision,
    done,
    write() {
      for (const { revision, record } of entries) {
        tables.log.remove(revision);
        if (record.prior !== 0) tables.old.remove({ text: record.key, revision });
        const partition = keySpace.partition(record.key);
        if (partition === undefined) continue;
        tables.index.remove({ text: scopeText(partition.collection, ""), revision });
        tables.index.remove({ text: scopeText(partition.collection, partition.tenant), revision });
      }
      for (const key of emptied) tables.counts.remove(key);
    },
  };
}

/**
 * Counts that are zero and whose last change is being forgotten: what a deleted tenant leaves behind goes here. A watch
 * cannot begin before `target` any more, so a missing record means the same as an old one.
 */
function emptiedCounts(
  tables: Tables,
  keySpace: KeySpace,
  entries: readonly { readonly record: LogRecord }[],
  target: Revision,
): Set<string> {
  const emptied = new Set<string>();
  for (const { record } of entries) {
    if (!record.deleted) continue;
    const partition = keySpace.partition(record.key);
    if (partition === undefined) continue;
    for (const tenant of [partition.tenant, ""]) {
      const key = countKey(tenant, partition.collection);
      if (tables.counts.find(key) < 0) continue;
      const { count, lastRevision } = decodeCount(tables.counts.bytes);
      if (count === 0 && lastRevision <= target) emptied.add(key);
    }
  }
  return emptied;
}
