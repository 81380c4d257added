import type { IndexEntry, Key, Store } from "#storage/port.ts";

const defaultPageSize = 1_000;

/** Terms of an index `start <= term < end`, in byte order. */
export interface TermRange {
  readonly start: string;
  readonly end: string;
}

/** What stands under one term. */
export const ofTerm = (term: string): TermRange => ({ start: term, end: `${term}\0` });

/**
 * Keys of the objects that an index has in a range of terms, in pages of bounded size; none is empty. What is entered or taken out
 * between two pages may be seen or not.
 */
export function* indexPages(
  store: Store,
  { start, end }: TermRange,
  pageSize: number = defaultPageSize,
): Generator<Key[]> {
  let after: IndexEntry | undefined;
  for (;;) {
    const page = store.indexEntries(start, end, pageSize, after);
    if (page.length > 0) yield page.map(({ key }) => key);
    if (page.length < pageSize) return;
    after = page[page.length - 1];
  }
}

/** The same, one by one. */
export function* indexedKeys(store: Store, range: TermRange, pageSize?: number): Generator<Key> {
  for (const page of indexPages(store, range, pageSize)) yield* page;
}
