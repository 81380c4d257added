import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CompactedError, DataDirectoryError, type Revision, type Store, StoreLimitError } from "../port.ts";
import { compactEtcd } from "./compaction-loop.ts";
import { etcdKeys } from "./etcd-keys.ts";
import { modOf } from "./revision.ts";
import { type EtcdProcess, etcdMissing, startEtcd } from "./testing/etcd-process.ts";
import { key, put, Recorder, remove, storeDirectory, testKeySpace } from "./testing/test-store.ts";
import { call, compactAll, putRaw, read, withClient, withEtcd, write } from "./testing/with-etcd.ts";

const skip = etcdMissing();
const none = 0 as Revision;
const keys = etcdKeys(testKeySpace, undefined);

describe("on one etcd", { skip }, () => {
  let etcd: EtcdProcess;
  let stores: Awaited<ReturnType<typeof storeDirectory>>;
  let a: Store;
  let b: Store;
  before(async () => {
    etcd = await startEtcd(["--unsafe-no-fsync"]);
    stores = await storeDirectory([etcd.url]);
    a = await stores.open("a");
    b = await stores.open("b");
  });
  after(async () => {
    await stores?.dispose();
    await etcd?.dispose();
  });

  test("every change of a transaction has its own revision, the same on every server", async () => {
    await write(a, "old", "x");
    const start = await a.fresh();
    const operations = [remove("nothing"), put("t1", "1"), remove("old"), remove("nothing2"), put("t2", "2")];
    const result = await a.commit({ compare: [], operations });
    assert.ok(result.ok);
    const [nothing, first, deleted, nothing2, second] = result.revisions;
    assert.deepEqual([nothing, nothing2], [0, 0]);
    assert.deepEqual([deleted! - first!, second! - first!], [1, 3]);
    for (const store of [a, b]) {
      await store.fresh();
      assert.equal(store.get(key("t1"))?.revision, first);
      assert.equal(store.revisionOf(key("t2")), second);
      assert.equal(store.get(key("old")), undefined);
      const recorder = new Recorder(store, start);
      await recorder.until(() => recorder.changes.length >= 3);
      assert.deepEqual(
        recorder.changes.map((change) => change.revision),
        [first, deleted, second],
      );
      assert.equal(recorder.changes[1]?.previous?.value.toString(), "x");
      recorder.watch.close();
    }
  });

  test("revisions are the same on a server that loads the keys when history is gone", async () => {
    const result = await a.commit({
      compare: [],
      operations: [put("p0", "0"), put("p1", "1"), put("p2", "2")],
    });
    assert.ok(result.ok);
    await compactAll(etcd.url);
    const late = await stores.open("late");
    for (const [i, name] of ["p0", "p1", "p2"].entries()) {
      assert.equal(late.revisionOf(key(name)), result.revisions[i]);
      assert.equal(late.get(key(name))?.value.toString(), String(i));
    }
    // Each accepts what the other shows as its newest.
    assert.equal(await a.waitFor(late.current(), 5_000), true);
    assert.equal(await late.waitFor(await a.fresh(), 5_000), true);
    assert.throws(
      () => late.watch({ prefix: "", after: result.revisions[0]!, onChanges() {}, onEnd() {} }),
      CompactedError,
    );
    await late.close();
  });

  test("comparisons: which one failed, and positions count", async () => {
    const result = await a.commit({ compare: [], operations: [put("c0", "0"), put("c1", "1")] });
    assert.ok(result.ok);
    const [c0, c1] = result.revisions as [Revision, Revision];
    await b.fresh();
    const attempt = (...compare: [string, Revision][]) =>
      b.commit({
        compare: compare.map(([name, revision]) => ({ key: key(name), revision })),
        operations: [put("c2", "2")],
      });
    assert.deepEqual(await attempt(["c0", c0], ["c1", none]), { ok: false, failed: 1 });
    assert.deepEqual(await attempt(["c0", none], ["c1", none]), { ok: false, failed: 0 });
    assert.deepEqual(await attempt(["c0", c0], ["c1", c1], ["gone", c1]), { ok: false, failed: 2 });
    assert.deepEqual(await attempt(["c1", c1], ["c2", c1]), { ok: false, failed: 1 });
    assert.deepEqual(await attempt(["c1", c0]), { ok: false, failed: 0 });
    assert.equal((await attempt(["c0", c0], ["c1", c1], ["c2", none])).ok, true);
    assert.deepEqual(await attempt(["c2", none]), { ok: false, failed: 0 });
  });

  test("fresh: a write through one is seen by a read on the other, always", async () => {
    for (let i = 0; i < 60; i++) {
      const [writer, reader] = i % 2 === 0 ? [a, b] : [b, a];
      const revision = await write(writer, "ping", String(i));
      const fresh = await reader.fresh();
      assert.ok(fresh >= revision);
      assert.equal(reader.get(key("ping"))?.value.toString(), String(i));
    }
  });

  test("fresh: reads are shared, and move on when only others' keys change", async () => {
    const revisions = await Promise.all(Array.from({ length: 200 }, () => b.fresh()));
    assert.equal(new Set(revisions).size, 1);
    const outside = await putRaw(etcd.url, "/elsewhere", "x");
    const fresh = await b.fresh();
    assert.ok(modOf(fresh) >= outside);
    assert.equal(b.current(), fresh);
    assert.equal(await a.waitFor(fresh, 5_000), true);
    assert.equal(await a.waitFor((fresh + 128_000) as Revision, 30), false);
  });

  test("a watch on the other server sees every change once, in order", async () => {
    const recorder = new Recorder(b, await b.fresh(), "/registry/core/secrets/w/");
    const writes = Array.from({ length: 100 }, (_, i) =>
      a.commit({
        compare: [],
        operations: [put(`x${i}`, `${i}`, "w"), put(`y${i}`, `${i}`, "w"), put(`z${i}`, "", "v")],
      }),
    );
    await Promise.all(writes);
    await recorder.until(() => recorder.changes.length >= 200);
    const revisions = recorder.changes.map((change) => change.revision);
    assert.deepEqual(
      revisions,
      [...new Set(revisions)].sort((x, y) => x - y),
    );
    assert.equal(new Set(recorder.changes.map((change) => change.key)).size, 200);
    recorder.watch.close();
  });

  test("keys and values of others: taken when they fit, passed over when not", async () => {
    const mod = await putRaw(etcd.url, key("foreign"), '{"by":"hand"}');
    await withClient(etcd.url, async (client) => {
      const bad = Buffer.concat([Buffer.from("/registry/bad"), Buffer.of(0xff)]);
      const success = [{ requestPut: { key: bad, value: Buffer.from("x") } }];
      await client.call(client.methods.txn, { compare: [], success, failure: [] }, call);
    });
    await putRaw(etcd.url, key("indexless"), `term:${"t".repeat(2_000)}`);
    assert.equal((await read(a, "indexless"))?.length, 2_005);
    assert.equal(await read(a, "foreign"), '{"by":"hand"}');
    assert.equal(a.revisionOf(key("foreign")), mod * 128);
    assert.ok((a.stats().etcd_ignored_keys ?? 0) > 0);
  });

  test("limits: the largest key and value fit, larger ones are refused", async () => {
    const name = "k".repeat(1_536 - key("").length);
    const value = Buffer.alloc(1_536 * 1_024 - 4_096, 120);
    const large = { type: "put", key: key(name), value } as const;
    const result = await a.commit({ compare: [{ key: key(name), revision: none }], operations: [large] });
    assert.ok(result.ok);
    await b.fresh();
    assert.equal(b.get(key(name))?.value.equals(value), true);
    const tooLong = { ...large, key: key(`${name}x`) };
    await assert.rejects(a.commit({ compare: [], operations: [tooLong] }), StoreLimitError);
    const tooLarge = { ...large, value: Buffer.concat([value, Buffer.from("x")]) };
    await assert.rejects(a.commit({ compare: [], operations: [tooLarge] }), StoreLimitError);
    const many = Array.from({ length: 128 }, (_, i) => put(`many${i}`, String(i)));
    const compare = many.map((operation) => ({ key: operation.key, revision: none }));
    assert.ok((await a.commit({ compare, operations: many })).ok);
    assert.deepEqual(await a.commit({ compare, operations: many }), { ok: false, failed: 0 });
    await assert.rejects(
      a.commit({ compare: [], operations: [...many, put("one more", "")] }),
      StoreLimitError,
    );
    const term = put("term", `term:${"t".repeat(2_000)}`);
    await assert.rejects(a.commit({ compare: [], operations: [term] }), StoreLimitError);
    const heavy = many.map((operation) => ({ ...operation, value: Buffer.alloc(100_000) }));
    await assert.rejects(a.commit({ compare: [], operations: heavy }), StoreLimitError);
  });

  test("servers agree on who compacts etcd, one interval later", async () => {
    await withClient(etcd.url, async (client) => {
      let one = { version: 0, revision: 0 };
      let two = { version: 0, revision: 0 };
      one = await compactEtcd(client, keys, one);
      two = await compactEtcd(client, keys, two);
      assert.equal(two.version, one.version);
      const old = one.revision;
      await write(a, "between", "1");
      two = await compactEtcd(client, keys, two);
      one = await compactEtcd(client, keys, one);
      assert.equal(one.version, two.version);
      const at = (revision: number) =>
        client.call(client.methods.range, { key: keys.identity, revision }, call);
      await assert.rejects(at(old - 1), /compacted/);
      await at(old);
    });
    assert.equal(await read(b, "between"), "1");
  });

  test("with another prefix, a second store lives in the same etcd", async () => {
    const other = await stores.open("other", { etcdPrefix: "/tenant-two" });
    await write(other, "mine", "2");
    assert.equal(await read(other, "mine"), "2");
    assert.equal(await read(a, "mine"), undefined);
    await withClient(etcd.url, async (client) => {
      const at = Buffer.from("/tenant-two/core/secrets/acme/mine");
      const { kvs } = await client.call(client.methods.range, { key: at }, call);
      assert.equal(Buffer.from(kvs[0]?.value ?? []).toString(), "2\n");
    });
    await other.close();
  });
});

test("a server that is killed loses nothing that it answered, and disturbs no one", { skip }, async () => {
  await withEtcd(async (etcd, open, root) => {
    const watcher = await open("watcher");
    const recorder = new Recorder(watcher, await watcher.fresh());
    const script = join(import.meta.dirname, "testing/writer-process.ts");
    const directory = join(root, "killed");
    for (let round = 0; round < 2; round++) {
      const child = spawn(process.execPath, [script, etcd.url, directory], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let output = "";
      child.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        if (output.split("\n").length > 30) child.kill("SIGKILL");
      });
      await new Promise((resolve) => child.once("close", resolve));
      const answered = output
        .trim()
        .split("\n")
        .map((line) => line.split(" ").map(Number) as [number, number]);
      assert.ok(answered.length >= 30);
      await watcher.fresh();
      for (const [i, revision] of answered.slice(-30)) {
        assert.equal(watcher.get(key(`n${i}`))?.value.toString(), String(i));
        assert.equal(watcher.revisionOf(key(`n${i}`)), revision);
        await recorder.until(() => recorder.changes.some((change) => change.revision === revision));
      }
      const revisions = recorder.changes.map((change) => change.revision);
      assert.equal(new Set(revisions).size, revisions.length);
      assert.equal((await write(watcher, "after", String(round))) > 0, true);
    }
    // Its replica, cut off in the middle, is resumed.
    const resumed = await open("killed");
    assert.equal(resumed.stats().etcd_rebuilds, 0);
    assert.equal(await read(resumed, "after"), "1");
    const all = (store: Store) => {
      const found: [string, Revision, string][] = [];
      const range = { start: key(""), end: key("\u{10fffd}") };
      store.visit(
        range,
        undefined,
        (at, value, revision) => void found.push([at, revision, value.toString()]),
      );
      return found;
    };
    await watcher.fresh();
    assert.deepEqual(all(resumed), all(watcher));
    assert.equal(resumed.count("/registry/core/secrets/", "acme"), all(watcher).length);
  });
});

test("a second server on the same directory is refused, until the first has closed it", {
  skip,
}, async () => {
  await withEtcd(async (_etcd, open) => {
    const first = await open("a");
    await assert.rejects(open("a"), (error) => {
      assert.ok(error instanceof DataDirectoryError);
      return /in use by another server/.test(error.message);
    });
    await write(first, "x", "still served");
    await first.close();
    assert.equal(await read(await open("a"), "x"), "still served");
  });
});

test("a comparison with a revision of the same transaction's other change fails, at once on every server", {
  skip,
}, async () => {
  await withEtcd(async (_etcd, open) => {
    const [a, b] = [await open("a"), await open("b")];
    for (let i = 0; i < 20; i++) {
      const result = await a.commit({ compare: [], operations: [put("one", "1"), put("two", "2")] });
      assert.ok(result.ok);
      const compare = [{ key: key("one"), revision: result.revisions[1]! }];
      assert.deepEqual(await b.commit({ compare, operations: [put("one", "3")] }), { ok: false, failed: 0 });
    }
  });
});

test("a replica is resumed after a restart, with its history", { skip }, async () => {
  await withEtcd(async (_etcd, open) => {
    const first = await open("a");
    const start = await first.fresh();
    await write(first, "x", "1");
    await first.fresh();
    await first.close();
    const other = await open("other");
    await write(other, "x", "2");
    const again = await open("a");
    assert.equal(again.get(key("x"))?.value.toString(), "2");
    const recorder = new Recorder(again, start);
    await recorder.until(() => recorder.changes.length >= 2);
    assert.deepEqual(recorder.seen, ["x=1", "x=2"]);
    assert.equal(again.stats().etcd_rebuilds, 0);
  });
});

test("compacted past a replica that was away: it is rebuilt at open", { skip }, async () => {
  await withEtcd(async (etcd, open, root) => {
    const first = await open("a");
    const start = await first.fresh();
    await write(first, "x", "1");
    await write(first, "gone", "1");
    await first.fresh();
    await first.close();
    const other = await open("other");
    await other.commit({ compare: [], operations: [put("x", "2"), remove("gone")] });
    await compactAll(etcd.url);
    await write(other, "y", "1");
    const again = await open("a");
    assert.equal(again.stats().etcd_rebuilds, 1);
    assert.equal(await read(again, "x"), "2");
    assert.equal(await read(again, "y"), "1");
    assert.equal(await read(again, "gone"), undefined);
    assert.throws(
      () => again.watch({ prefix: "", after: start, onChanges() {}, onEnd() {} }),
      CompactedError,
    );
    assert.deepEqual(
      (await readdir(join(root, "a"))).filter((name) => name.startsWith("replica-")).length,
      1,
    );
  });
});
