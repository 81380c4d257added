/** The store as the annex has it: each read is a question to the thread that holds it, each commit is its. */
import { bufferOf } from "#base/buffer-of.ts";
import type {
  Entry,
  IndexEntry,
  Key,
  KeyRange,
  Revision,
  Store,
  TenantCount,
  Txn,
  TxnResult,
  Visitor,
  Watch,
} from "#storage/port.ts";
import type { Asker } from "./questions.ts";

export class RemoteStore implements Store {
  readonly #asker: Asker;
  readonly #shared: boolean;

  /** @param shared whether other servers write too, so that {@link fresh} has to wait */
  constructor(asker: Asker, shared: boolean) {
    this.#asker = asker;
    this.#shared = shared;
  }

  current(): Revision {
    return this.#asker.now("current");
  }

  compacted(): Revision {
    return this.#asker.now("compacted");
  }

  fresh(): Revision | Promise<Revision> {
    return this.#shared ? this.#asker.later("fresh") : this.current();
  }

  waitFor(revision: Revision, timeoutMs: number): Promise<boolean> {
    return this.#asker.later("waitFor", revision, timeoutMs);
  }

  get(key: Key, at?: Revision): Entry | undefined {
    const entry = this.#asker.now("get", key, at);
    return entry && { ...entry, value: bufferOf(entry.value) };
  }

  revisionOf(key: Key): Revision {
    return this.#asker.now("revisionOf", key);
  }

  visit(range: KeyRange, at: Revision | undefined, visitor: Visitor): void {
    let { start } = range;
    let seen = at;
    for (;;) {
      const page = this.#asker.now("page", { start, end: range.end }, seen);
      for (const entry of page.entries)
        if (visitor(entry.key, bufferOf(entry.value), entry.revision) === false) return;
      const last = page.entries.at(-1);
      if (!page.more || last === undefined) return;
      start = `${last.key}\0` as Key;
      seen = page.at;
    }
  }

  count(collection: string, tenant?: string): number {
    return this.#asker.now("count", collection, tenant);
  }

  tenantCounts(tenant: string): TenantCount[] {
    return this.#asker.now("tenantCounts", tenant);
  }

  indexEntries(from: string, to: string, limit: number, after?: IndexEntry): IndexEntry[] {
    return this.#asker.now("indexEntries", from, to, limit, after);
  }

  commit(txn: Txn): Promise<TxnResult> {
    return this.#asker.later("commit", txn);
  }

  watch(): Watch {
    throw new Error("annex: nothing is watched here");
  }

  compact(): Promise<void> {
    throw new Error("annex: nothing is compacted here");
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  stats(): Readonly<Record<string, number>> {
    return {};
  }
}
