import type { LocalStore } from "../local/local-store.ts";
import { type Entry, StoreUnavailableError } from "../port.ts";
import type { EtcdClient } from "./client/client.ts";
import { isCompacted } from "./client/grpc-error.ts";
import { safeNumber } from "./client/messages.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import { endOf, openValue, toRevision } from "./revision.ts";

/** Keys in the first page. Later pages aim at {@link pageBytes}. */
const firstPageKeys = 200;
/** etcd counts the whole rest of the range for each page: few large pages are cheaper than many small ones. */
const maxPageKeys = 5_000;
const minPageKeys = 20;
const pageBytes = 8 * 1_024 * 1_024;
/** Entries that one write transaction of the local store takes. */
const loadEntries = 1_000;
/** Times that etcd may compact the revision being read before the rebuild is given up. */
const maxAttempts = 5;
const pageDeadlineMs = 60_000;

/**
 * Fills an empty local store with etcd's state at one revision; returns that revision. `extra` gives the facts to store
 * with it, `onPage` hears of every page.
 */
export async function loadReplica(
  client: EtcdClient,
  keys: EtcdKeys,
  local: LocalStore,
  extra: (mod: number) => Readonly<Record<string, string>>,
  onPage: () => void,
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      await local.beginRebuild();
      const mod = await loadPages(client, keys, local, onPage);
      await local.finishRebuild(endOf(mod), { extra: extra(mod) });
      return mod;
    } catch (error) {
      if (!isCompacted(error)) throw error;
      if (attempt === maxAttempts) {
        throw new StoreUnavailableError("etcd compacts faster than its keys can be read", { cause: error });
      }
    }
  }
}

async function loadPages(
  client: EtcdClient,
  keys: EtcdKeys,
  local: LocalStore,
  onPage: () => void,
): Promise<number> {
  let start = keys.start;
  let limit = firstPageKeys;
  let mod = 0;
  let loading: Promise<void> = Promise.resolve();
  for (;;) {
    const request = { key: start, rangeEnd: keys.end, limit, revision: mod };
    const page = await client.call(client.methods.range, request, {
      deadlineMs: pageDeadlineMs,
      repeatable: true,
    });
    // All pages are read at the revision of the first.
    if (mod === 0) mod = safeNumber(page.header.revision);
    onPage();
    const entries: Entry[] = [];
    let bytes = 1;
    for (const kv of page.kvs) {
      bytes += kv.key.length + kv.value.length;
      const key = keys.decode(kv.key);
      if (key === undefined) continue;
      const { value, position } = openValue(kv.value as Buffer);
      entries.push({ key, value, revision: toRevision(safeNumber(kv.modRevision), position ?? 0) });
    }
    // The next page is fetched while this one is written.
    await loading;
    loading = loadAll(local, entries);
    loading.catch(() => undefined);
    const last = page.kvs.at(-1);
    if (!page.more || last === undefined) break;
    start = Buffer.concat([last.key, Buffer.of(0)]);
    const fitting = Math.floor((pageBytes / bytes) * page.kvs.length);
    limit = Math.max(minPageKeys, Math.min(maxPageKeys, limit * 4, fitting));
  }
  await loading;
  return mod;
}

async function loadAll(local: LocalStore, entries: readonly Entry[]): Promise<void> {
  for (let i = 0; i < entries.length; i += loadEntries) await local.load(entries.slice(i, i + loadEntries));
}
