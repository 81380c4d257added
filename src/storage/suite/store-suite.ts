/** One suite for every engine: what docs/storage.md promises, by examples. The model-based part is in `model.ts`. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  type Change,
  CompactedError,
  FutureRevisionError,
  type Key,
  type KeyRange,
  maxKeyBytes,
  maxTxnOperations,
  maxValueBytes,
  noRevision,
  prefixRange,
  type Revision,
  type Store,
  StoreLimitError,
  StoreUnavailableError,
} from "../port.ts";
import { modelTest } from "./model.ts";
import { changesSeen, commitAll, del, entriesOf, keyOf, put, revisionsOf, wrongRevision } from "./tools.ts";

/** A store under test, opened with `testKeySpace()`. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Closes and opens again; missing where nothing survives. */
  reopen?(): Promise<StoreUnderTest>;
  /** Closes and removes everything. */
  dispose(): Promise<void>;
}

export interface StoreSuiteOptions {
  readonly name: string;
  /** A new, empty store. */
  open(): Promise<StoreUnderTest>;
  /** Runs of the model-based test. */
  readonly modelRuns?: number;
}

export function runStoreSuite(options: StoreSuiteOptions): void {
  describe(`${options.name} store`, () => {
    let current: StoreUnderTest;
    let store: Store;
    before(async () => {
      current = await options.open();
      store = current.store;
    });
    after(() => current.dispose());

    it("gives every change of a transaction a revision of its own, in order", async () => {
      const start = store.current();
      const revisions = await commitAll(store, [
        put("rev", "a", "1"),
        put("rev", "b", "2"),
        del("rev", "none"),
      ]);
      assert.equal(revisions[2], noRevision);
      assert.ok(revisions[0]! > start && revisions[1]! > revisions[0]!);
      assert.equal(store.revisionOf(keyOf("rev", "b")), revisions[1]);
      assert.ok(store.current() >= revisions[1]!);
    });

    it("writes nothing when a comparison fails, and names it", async () => {
      const [revision] = await commitAll(store, [put("cmp", "a", "1")]);
      const missing = { key: keyOf("cmp", "b"), revision: noRevision };
      const stale = { key: keyOf("cmp", "a"), revision: wrongRevision(revision!) };
      const result = await store.commit({ compare: [missing, stale], operations: [put("cmp", "b", "2")] });
      assert.deepEqual(result, { ok: false, failed: 1 });
      assert.equal(store.get(keyOf("cmp", "b")), undefined);
      const exact = { key: keyOf("cmp", "a"), revision: revision! };
      assert.equal((await store.commit({ compare: [exact], operations: [del("cmp", "a")] })).ok, true);
      await store.fresh();
      assert.equal(store.revisionOf(keyOf("cmp", "a")), noRevision);
    });

    it("lets exactly one of many concurrent creates of a key win", async () => {
      const key = keyOf("race", "a");
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          store.commit({
            compare: [{ key, revision: noRevision }],
            operations: [put("race", "a", String(i))],
          }),
        ),
      );
      assert.equal(results.filter((result) => result.ok).length, 1);
    });

    it("reads and ranges at older revisions", async () => {
      const [first] = await commitAll(store, [put("old", "a", "1")]);
      const [, second] = await commitAll(store, [put("old", "b", "1"), put("old", "a", "2")]);
      await commitAll(store, [del("old", "a"), put("old", "c", "3")]);
      const range = prefixRange("/registry/core/secrets/old/");
      assert.deepEqual(entriesOf(store, range, first), [[keyOf("old", "a"), "1", first]]);
      assert.equal(store.get(keyOf("old", "a"), first)?.value.toString(), "1");
      assert.deepEqual(
        entriesOf(store, range, second).map(([key, value]) => [key, value]),
        [
          [keyOf("old", "a"), "2"],
          [keyOf("old", "b"), "1"],
        ],
      );
      assert.deepEqual(
        entriesOf(store, range).map(([key]) => key),
        [keyOf("old", "b"), keyOf("old", "c")],
      );
      assert.throws(
        () => store.get(keyOf("old", "a"), (store.current() + 1_000) as Revision),
        FutureRevisionError,
      );
    });

    it("resumes a range right behind a key at an older revision, and ends one there", async () => {
      const revisions = await commitAll(store, [put("bound", "a", "1"), put("bound", "b", "1")]);
      const at = revisions[1]!;
      await commitAll(store, [put("bound", "a", "2"), del("bound", "b")]);
      const { start, end } = prefixRange("/registry/core/secrets/bound/");
      const behindA = `${keyOf("bound", "a")}\0` as Key;
      const names = (range: KeyRange) => entriesOf(store, range, at).map(([key]) => key);
      assert.deepEqual(names({ start: behindA, end }), [keyOf("bound", "b")]);
      assert.deepEqual(names({ start, end: behindA }), [keyOf("bound", "a")]);
    });

    it("keeps tenants whose names begin alike apart, and orders by bytes", async () => {
      const names = ["a", "ab", "a-b", "a\u{e000}", "a\u{1f600}", "b"];
      await commitAll(
        store,
        names.map((name) => put("order", name, name)),
      );
      await commitAll(store, [put("order2", "x", "1")]);
      const found = entriesOf(store, prefixRange("/registry/core/secrets/order/")).map(([, value]) => value);
      assert.deepEqual(found, ["a", "a-b", "ab", "a\u{e000}", "a\u{1f600}", "b"]);
    });

    it("stops a visit when asked, and allows reads within", async () => {
      await commitAll(store, [put("stop", "a", "1"), put("stop", "b", "2"), put("stop", "c", "3")]);
      const seen: string[] = [];
      store.visit(prefixRange("/registry/core/secrets/stop/"), undefined, (key, value) => {
        assert.equal(store.get(key)?.value.equals(value), true);
        seen.push(value.toString());
        return seen.length < 2;
      });
      assert.deepEqual(seen, ["1", "2"]);
    });

    it("counts by tenant and collection", async () => {
      const revisions = await commitAll(store, [
        put("cnt", "a", "1"),
        put("cnt", "b", "1"),
        del("cnt", "zz"),
      ]);
      await commitAll(store, [del("cnt", "a")]);
      assert.equal(store.count("/registry/core/secrets/", "cnt"), 1);
      const counts = store.tenantCounts("cnt");
      assert.deepEqual(
        counts.map(({ collection, count }) => [collection, count]),
        [["/registry/core/secrets/", 1]],
      );
      assert.ok(counts[0]!.lastRevision > revisions[1]!);
      await commitAll(store, [del("cnt", "b")]);
      assert.deepEqual(store.tenantCounts("cnt"), []);
    });

    it("tells no change of a tenant before it can be read", async () => {
      const range = prefixRange("/registry/core/secrets/seen/");
      for (let round = 0; round < 100; round++) {
        let done = false;
        const commit = commitAll(store, [put("seen", "a", String(round))]).finally(() => {
          done = true;
        });
        while (!done) {
          const told = store.tenantCounts("seen")[0]?.lastRevision ?? noRevision;
          let read = noRevision;
          store.visit(range, undefined, (_key, _value, revision) => {
            read = revision;
          });
          assert.ok(
            told <= store.current(),
            `${told} is told, ${read} is read, ${store.current()} is current`,
          );
          assert.ok(read <= told, `${told} is told, ${read} is read`);
          await new Promise((resolve) => setImmediate(resolve));
        }
        await commit;
      }
    });

    it("keeps index entries in step with current values", async () => {
      await commitAll(store, [
        put("idx", "a", "@own=x;"),
        put("idx", "b", "@own=x;@own=y;"),
        put("idx", "c", "@own=z;"),
      ]);
      await commitAll(store, [put("idx", "b", "@own=y;"), del("idx", "c")]);
      const all = store.indexEntries("own/", "own0", 10);
      assert.deepEqual(all, [
        { term: "own/x", key: keyOf("idx", "a") },
        { term: "own/y", key: keyOf("idx", "b") },
      ]);
      assert.deepEqual(store.indexEntries("own/", "own0", 1), all.slice(0, 1));
      assert.deepEqual(store.indexEntries("own/", "own0", 10, all[0]), all.slice(1));
      assert.deepEqual(store.indexEntries("own/x", "own/x\0", 10), all.slice(0, 1), "one term alone");
      assert.deepEqual(store.indexEntries("own/x\0", "own/y\0", 10), all.slice(1), "behind a term");
    });

    it("watches from the past into the present, each change once and in order", async () => {
      const start = store.current();
      await commitAll(store, [put("w", "a", "1"), put("w", "b", "1"), put("w2", "a", "1")]);
      const watched: Change[] = [];
      const all = changesSeen(store, "", start, watched);
      const tenant = changesSeen(store, "/registry/core/secrets/w/", start);
      const narrow = changesSeen(store, "/registry/core/secrets/w/a", start);
      assert.equal(watched.length, 0, "never from within watch");
      await commitAll(store, [put("w", "a", "2"), del("w", "b")]);
      const seen = await all.settled();
      assert.deepEqual(
        revisionsOf(seen),
        [...new Set(revisionsOf(seen))].sort((a, b) => a - b),
      );
      assert.equal(seen.length, 5);
      const { value, previous } = seen[3]!;
      assert.deepEqual([value?.toString(), previous?.value.toString()], ["2", "1"]);
      assert.deepEqual([seen[4]?.value, seen[4]?.previous?.value.toString()], [undefined, "1"]);
      assert.equal((await tenant.settled()).length, 4);
      assert.equal((await narrow.settled()).length, 2);
      for (const watch of [all, tenant, narrow]) watch.close();
      await commitAll(store, [put("w", "a", "3")]);
      assert.equal(watched.length, 5, "silent after close");
    });

    it("waits for a revision, or gives up", async () => {
      const target = (store.current() + 1) as Revision;
      const waited = store.waitFor(target, 10_000);
      await commitAll(store, [put("wait", "a", "1")]);
      assert.equal(await waited, true);
      assert.equal(await store.waitFor((store.current() + 1_000_000) as Revision, 5), false);
      assert.ok((await store.fresh()) >= store.revisionOf(keyOf("wait", "a")));
    });

    it("takes the largest key, value and transaction, and refuses larger ones", async () => {
      const longest = put("big", "k".repeat(maxKeyBytes - keyOf("big", "").length), "v");
      await commitAll(store, [longest]);
      const value = Buffer.alloc(maxValueBytes - maxKeyBytes, "v");
      await commitAll(store, [{ ...put("big", "value", ""), value }]);
      assert.equal(store.get(keyOf("big", "value"))?.value.equals(value), true);
      const many = Array.from({ length: maxTxnOperations }, (_, i) => put("big", `n${i}`, "v"));
      await commitAll(store, many);
      const before = store.current();
      for (const operations of [
        [{ ...longest, key: `${longest.key}k` as Key }],
        [{ ...put("big", "value", ""), value: Buffer.alloc(maxValueBytes + 1) }],
        [...many, put("big", "one more", "v")],
        [put("big", "twice", "1"), put("big", "twice", "2")],
        [put("big", "zero\0byte", "1")],
      ]) {
        await assert.rejects(store.commit({ compare: [], operations }), StoreLimitError);
      }
      assert.equal(store.current(), before);
    });

    it("forgets history up to a revision, and nothing else", async () => {
      const [first] = await commitAll(store, [put("comp", "a", "1"), put("comp", "b", "1")]);
      const [second] = await commitAll(store, [put("comp", "a", "2")]);
      await commitAll(store, [del("comp", "b")]);
      await store.compact(second!);
      assert.equal(store.compacted(), second);
      assert.throws(() => store.get(keyOf("comp", "a"), first), CompactedError);
      assert.throws(() => store.visit(prefixRange("/"), first, () => true), CompactedError);
      const options = { prefix: "", after: first!, onChanges: () => {}, onEnd: () => {} };
      assert.throws(() => store.watch(options), CompactedError);
      assert.equal(store.get(keyOf("comp", "b"), second)?.value.toString(), "1");
      const watch = changesSeen(store, "", second!);
      assert.deepEqual(
        (await watch.settled()).map(({ key, previous }) => [key, previous?.value.toString()]),
        [[keyOf("comp", "b"), "1"]],
      );
      watch.close();
      await store.compact(second!);
    });

    it("keeps everything over a restart", async (t) => {
      if (current.reopen === undefined) return t.skip("nothing survives in this engine");
      const before = entriesOf(store, prefixRange("/registry/"));
      const revision = store.current();
      let ended: Error | undefined;
      store.watch({ prefix: "", after: revision, onChanges: () => {}, onEnd: (error) => (ended = error) });
      const old = store;
      current = await current.reopen();
      store = current.store;
      assert.ok(ended instanceof StoreUnavailableError, "watches end with the store");
      await assert.rejects(
        old.commit({ compare: [], operations: [put("re", "a", "1")] }),
        StoreUnavailableError,
      );
      assert.deepEqual(entriesOf(store, prefixRange("/registry/")), before);
      const [next] = await commitAll(store, [put("re", "b", "1")]);
      assert.ok(next! > revision, "no revision twice");
      const watch = changesSeen(store, "", revision);
      assert.deepEqual(revisionsOf(await watch.settled()), [next]);
      watch.close();
    });
  });
  modelTest(options);
}
