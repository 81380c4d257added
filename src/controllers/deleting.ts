import type { IndexEntry, Key, Store } from "#storage/port.ts";

const pageSize = 1_000;

/** Keys of all objects under one index term, in pages of bounded size. */
export function* deletingKeys(store: Store, term: string): Generator<Key> {
  let after: IndexEntry | undefined;
  for (;;) {
    const page = store.indexEntries(term, `${term}\0`, pageSize, after);
    for (const { key } of page) yield key;
    if (page.length < pageSize) return;
    after = page[page.length - 1];
  }
}
