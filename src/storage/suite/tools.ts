/** Small tools of the store suite. */
import assert from "node:assert/strict";
import type { Change, Key, KeyRange, Operation, Revision, Store } from "../port.ts";

export const keyOf = (tenant: string, name: string): Key => `/registry/core/secrets/${tenant}/${name}` as Key;

export const put = (tenant: string, name: string, value: string) =>
  ({ type: "put", key: keyOf(tenant, name), value: Buffer.from(value) }) as const;

export const del = (tenant: string, name: string) => ({ type: "delete", key: keyOf(tenant, name) }) as const;

/** Commits, and waits until the local copy has it: at once where this process decides. */
export async function commitAll(
  store: Store,
  operations: readonly Operation[],
): Promise<readonly Revision[]> {
  const result = await store.commit({ compare: [], operations });
  assert.ok(result.ok);
  await store.fresh();
  return result.revisions;
}

export function entriesOf(store: Store, range: KeyRange, at?: Revision): [Key, string, Revision][] {
  const entries: [Key, string, Revision][] = [];
  store.visit(range, at, (key, value, revision) => void entries.push([key, value.toString(), revision]));
  return entries;
}

/**
 * A revision that is not the one given, nor that of any key. Far off: an engine may know the revisions of one
 * transaction only together.
 */
export const wrongRevision = (revision: number): Revision => (revision + 1_000 * 128) as Revision;

export const revisionsOf = (changes: readonly Change[]): Revision[] =>
  changes.map((change) => change.revision);

export interface SeenChanges {
  /** Resolves when everything committed so far was delivered. */
  settled(): Promise<readonly Change[]>;
  readonly ended: Error | undefined;
  close(): void;
}

/** Watches, and keeps what comes in `seen`. */
export function changesSeen(store: Store, prefix: string, after: Revision, seen: Change[] = []): SeenChanges {
  let progress = -1;
  let ended: Error | undefined;
  let wake = (): void => {};
  const watch = store.watch({
    prefix,
    after,
    onChanges: (changes) => void seen.push(...changes),
    onProgress: (revision) => {
      progress = revision;
      wake();
    },
    onEnd: (error) => {
      ended = error;
      wake();
    },
  });
  return {
    async settled() {
      const target = await store.fresh();
      while (progress < target && ended === undefined) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        watch.requestProgress();
        await woken;
      }
      return seen;
    },
    get ended() {
      return ended;
    },
    close: () => watch.close(),
  };
}
