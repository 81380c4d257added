import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CompactedError, type Revision, StoreUnavailableError } from "../port.ts";
import { etcdKeys } from "./etcd-keys.ts";
import { etcdMissing } from "./testing/etcd-process.ts";
import { startTcpProxy } from "./testing/tcp-proxy.ts";
import {
  eventually,
  key,
  put,
  Recorder,
  remove,
  storeDirectory,
  testKeySpace,
} from "./testing/test-store.ts";
import { call, compactAll, read, withClient, withEtcd, write } from "./testing/with-etcd.ts";

const skip = etcdMissing();
const none = 0 as Revision;
const keys = etcdKeys(testKeySpace, undefined);

test("etcd restarts under a server: reads go on, writes fail clearly, then all is well again", {
  skip,
}, async () => {
  await withEtcd(async (etcd, open) => {
    const store = await open("a");
    await write(store, "x", "1");
    const recorder = new Recorder(store, await store.fresh());
    await etcd.kill();
    assert.equal(store.get(key("x"))?.value.toString(), "1");
    const failed = store.commit({ compare: [], operations: [put("x", "lost")] });
    await assert.rejects(failed, (error: unknown) => {
      assert.ok(error instanceof StoreUnavailableError);
      assert.match(error.message, /nothing was written|unknown whether/);
      return true;
    });
    await etcd.start();
    const revision = await eventually(() => write(store, "y", "2"));
    assert.ok((await store.fresh()) >= revision);
    assert.equal(store.get(key("y"))?.value.toString(), "2");
    await recorder.until(() => recorder.seen.includes("y=2"));
    assert.deepEqual(recorder.seen, ["y=2"]);
    assert.equal(recorder.ended, undefined);
  });
});

test("a foreign transaction too large to be followed: watches end, reads stay right", { skip }, async () => {
  await withEtcd(async (etcd, open) => {
    const a = await open("a");
    const b = await open("b");
    await write(a, "x", "1");
    const start = await a.fresh();
    const recorder = new Recorder(a, start);
    for (let i = 0; i < 200; i += 100) {
      const many = Array.from({ length: 100 }, (_, j) => put(`m${i + j}`, "v"));
      assert.ok((await b.commit({ compare: [], operations: many })).ok);
    }
    await withClient(etcd.url, async (client) => {
      // DeleteRange with a range end, which our own messages do not have: key = 1, range_end = 2.
      const method = {
        path: "/etcdserverpb.KV/DeleteRange",
        encode: () => {
          const from = Buffer.from(key("m"));
          const to = Buffer.from(key("n"));
          return Buffer.concat([Buffer.of(0x0a, from.length), from, Buffer.of(0x12, to.length), to]);
        },
        decode: () => undefined,
      };
      await client.call(method, undefined, call);
    });
    await recorder.until(() => recorder.ended !== undefined);
    assert.ok(recorder.ended instanceof CompactedError);
    assert.equal(await read(a, "m0"), undefined);
    assert.equal(await read(a, "x"), "1");
    assert.equal(a.stats().etcd_rebuilds, 1);
    assert.throws(() => a.watch({ prefix: "", after: start, onChanges() {}, onEnd() {} }), CompactedError);
    const next = new Recorder(a, await a.fresh());
    await write(b, "x", "2");
    await next.until(() => next.changes.length > 0);
    assert.deepEqual(next.seen, ["x=2"]);
  });
});

test("cut off while etcd is compacted: old reads go on, then the copy is rebuilt in place", {
  skip,
}, async () => {
  await withEtcd(async (etcd, open, root) => {
    const proxy = await startTcpProxy(etcd.url);
    try {
      const a = await open("a", { servers: [proxy.url], freshTimeoutMs: 200 });
      const b = await open("b");
      await a.commit({ compare: [], operations: [put("x", "1"), put("gone", "1")] });
      const start = await eventually(async () => a.fresh());
      const recorder = new Recorder(a, start);
      proxy.cut();
      const two = await b.commit({ compare: [], operations: [put("x", "2"), remove("gone"), put("y", "1")] });
      assert.ok(two.ok);
      await compactAll(etcd.url);
      const three = await write(b, "x", "3");
      await assert.rejects(async () => a.fresh(), StoreUnavailableError);
      assert.equal(a.get(key("x"))?.value.toString(), "1");
      proxy.mend();
      await recorder.until(() => recorder.ended !== undefined);
      assert.ok(recorder.ended instanceof CompactedError);
      await eventually(async () => a.fresh());
      assert.deepEqual([a.stats().etcd_rebuilds, recorder.changes.length], [1, 0]);
      assert.deepEqual([a.revisionOf(key("x")), a.revisionOf(key("y"))], [three, two.revisions[2]]);
      assert.equal(a.get(key("gone")), undefined);
      assert.equal(a.count("/registry/core/secrets/", "acme"), 2);
      assert.throws(() => a.get(key("x"), start), CompactedError);
      const next = new Recorder(a, a.current());
      await write(b, "x", "4");
      await next.until(() => next.changes.length > 0);
      assert.equal(next.changes[0]?.previous?.revision, three);
      const names = await readdir(join(root, "a"));
      assert.equal(names.filter((name) => name.startsWith("replica-")).length, 1);
    } finally {
      await proxy.dispose();
    }
  });
});

test("connections that break under load: no change is lost, repeated, or called done when it was not", {
  skip,
}, async () => {
  await withEtcd(async (etcd, open) => {
    const proxy = await startTcpProxy(etcd.url);
    try {
      const a = await open("a", { servers: [proxy.url, proxy.url] });
      const b = await open("b");
      const seenByA = new Recorder(a, await a.fresh());
      const seenByB = new Recorder(b, await b.fresh());
      let [answered, unknown, refused] = [0, 0, 0];
      let busy = 8;
      const done = new Map<string, number>();
      const writer = async (w: number) => {
        for (let i = 0; i < 60; i++) {
          const name = `w${w}-${i}`;
          try {
            const compare = [{ key: key(name), revision: none }];
            const result = await a.commit({
              compare,
              operations: [put(name, "v"), put(`twin-${name}`, "v")],
            });
            assert.ok(result.ok, "a key that nobody else writes");
            done.set(name, result.revisions[0]!);
            answered++;
          } catch (error) {
            assert.ok(error instanceof StoreUnavailableError, String(error));
            if (error.message.includes("unknown")) unknown++;
            else refused++;
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        }
        busy--;
      };
      // Some get through between two breaks, however slow everything is.
      const shaker = async () => {
        for (let next = 3; busy > 0; next = answered + 3) {
          while (answered < next && busy > 0) await new Promise((resolve) => setTimeout(resolve, 1));
          proxy.shake();
        }
      };
      await Promise.all([...Array.from({ length: 8 }, (_, w) => writer(w)), shaker()]);
      assert.ok(
        answered > 0 && unknown + refused > 0,
        `${answered} answered, ${unknown} unknown, ${refused} refused`,
      );
      const last = await write(b, "last", "1");
      await eventually(async () => assert.ok((await a.fresh()) >= last));
      await b.fresh();
      for (const [name, revision] of done) {
        assert.equal(b.revisionOf(key(name)), revision);
        assert.equal(a.revisionOf(key(name)), revision);
        assert.equal(a.revisionOf(key(`twin-${name}`)), revision + 1);
      }
      for (const recorder of [seenByA, seenByB]) {
        await recorder.until(() => recorder.changes.at(-1)?.revision === last);
        const revisions = recorder.changes.map((change) => change.revision);
        assert.deepEqual(
          revisions,
          [...new Set(revisions)].sort((x, y) => x - y),
        );
        assert.equal(recorder.ended, undefined);
      }
      assert.deepEqual(seenByA.seen, seenByB.seen);
      assert.equal(a.stats().etcd_rebuilds, 0);
      assert.ok((a.stats().etcd_watch_reconnects ?? 0) > 0);
    } finally {
      await proxy.dispose();
    }
  });
});

test("an emptied etcd is not written into by a running server; a started one begins anew", {
  skip,
}, async () => {
  await withEtcd(async (etcd, open) => {
    const store = await open("a");
    await write(store, "x", "1");
    const recorder = new Recorder(store, await store.fresh());
    await etcd.kill();
    await etcd.wipe();
    await etcd.start();
    await eventually(() =>
      assert.rejects(store.commit({ compare: [], operations: [put("x", "2")] }), /another store|went back/),
    );
    await assert.rejects(async () => store.fresh(), StoreUnavailableError);
    await recorder.until(() => recorder.ended !== undefined);
    assert.ok(recorder.ended instanceof StoreUnavailableError);
    await withClient(etcd.url, async (client) => {
      const { kvs } = await client.call(client.methods.range, { key: keys.start, rangeEnd: keys.end }, call);
      assert.equal(kvs.length, 0);
    });
    await store.close();
    const again = await open("a");
    assert.equal(again.get(key("x")), undefined);
    await write(again, "x", "3");
    assert.equal(await read(again, "x"), "3");
  });
});

test("a frozen etcd: fresh reads end at their deadline, stale ones go on, and all is well again", {
  skip,
}, async () => {
  await withEtcd(async (etcd, open) => {
    const store = await open("a", { freshTimeoutMs: 300 });
    await write(store, "x", "1");
    await eventually(async () => store.fresh());
    await etcd.freeze();
    try {
      await assert.rejects(async () => store.fresh(), StoreUnavailableError);
      assert.equal(store.get(key("x"))?.value.toString(), "1");
    } finally {
      etcd.thaw();
    }
    await eventually(() => write(store, "x", "2"));
    assert.equal(await eventually(() => read(store, "x")), "2");
  });
});

test("no etcd at open: a clear error, and no process kept busy", async () => {
  const stores = await storeDirectory(["http://127.0.0.1:1"]);
  try {
    await assert.rejects(stores.open("a", { openTimeoutMs: 200 }), StoreUnavailableError);
    await assert.rejects(stores.open("a", { etcdPrefix: "" }), RangeError);
  } finally {
    await stores.dispose();
  }
});
