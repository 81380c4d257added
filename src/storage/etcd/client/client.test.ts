import assert from "node:assert/strict";
import http2 from "node:http2";
import { after, before, test } from "node:test";
import { systemClock } from "#base/clock.ts";
import { patienceMs } from "#base/testing/until.ts";
import { type EtcdProcess, etcdMissing, startEtcd } from "../testing/etcd-process.ts";
import { EtcdClient } from "./client.ts";
import { EtcdError, grpcCode, isCompacted } from "./grpc-error.ts";
import { safeNumber, type WatchResponse } from "./messages.ts";

const skip = etcdMissing();
const soon = { deadlineMs: patienceMs, repeatable: false };
const bytes = (text: string) => Buffer.from(text);
const clientOf = (...endpoints: string[]) => new EtcdClient({ endpoints, tls: {}, clock: systemClock });
const put = (client: EtcdClient, key: string, value: string) =>
  client.call(
    client.methods.txn,
    { compare: [], success: [{ requestPut: { key: bytes(key), value: bytes(value) } }], failure: [] },
    soon,
  );

let etcd: EtcdProcess;
before(async () => {
  if (skip === false) etcd = await startEtcd(["--unsafe-no-fsync"]);
});
after(async () => {
  await etcd?.dispose();
});

test("range, txn, compact and status against a real etcd", { skip }, async () => {
  const client = clientOf(etcd.url);
  try {
    const first = await put(client, "a/1", "one");
    const second = await put(client, "a/2", "two");
    assert.equal(safeNumber(second.header.revision), safeNumber(first.header.revision) + 1);
    const range = { key: bytes("a/"), rangeEnd: bytes("a0"), limit: 1 };
    const page = await client.call(client.methods.range, range, soon);
    assert.equal(page.more, true);
    assert.equal(safeNumber(page.count), 2);
    assert.deepEqual(
      page.kvs.map((kv) => [
        Buffer.from(kv.key).toString(),
        Buffer.from(kv.value).toString(),
        safeNumber(kv.modRevision),
      ]),
      [["a/1", "one", safeNumber(first.header.revision)]],
    );
    await client.call(
      client.methods.compact,
      { revision: safeNumber(second.header.revision), physical: true },
      soon,
    );
    const old = { ...range, revision: safeNumber(first.header.revision) };
    await assert.rejects(client.call(client.methods.range, old, soon), isCompacted);
    const status = await client.call(client.methods.status, {}, soon);
    assert.match(status.version, /^3\.\d+\.\d+/);
    assert.ok(safeNumber(status.dbSize) > 0);
  } finally {
    client.close();
  }
});

test("etcd's refusals keep their code and text, and say that nothing happened", { skip }, async () => {
  const client = clientOf(etcd.url);
  try {
    const twice = { requestPut: { key: bytes("x"), value: bytes("") } };
    const call = client.call(client.methods.txn, { compare: [], success: [twice, twice], failure: [] }, soon);
    await assert.rejects(call, (error: unknown) => {
      assert.ok(error instanceof EtcdError);
      assert.equal(error.code, grpcCode.invalidArgument);
      assert.match(error.message, /duplicate key/);
      assert.equal(error.mayHaveHappened, false);
      return true;
    });
  } finally {
    client.close();
  }
});

test("a watch delivers events in order, large ones in fragments, and progress on request", {
  skip,
}, async () => {
  const client = clientOf(etcd.url);
  const seen: WatchResponse[] = [];
  let wake = () => undefined as undefined;
  const until = async (done: () => boolean) => {
    while (!done()) await new Promise<void>((resolve) => (wake = () => void resolve() as undefined));
  };
  const keepAlive = setInterval(() => undefined, 1_000);
  try {
    const start = safeNumber((await put(client, "w/0", "")).header.revision);
    for (let i = 1; i <= 6; i++) await put(client, `w/${i}`, "x".repeat(700_000));
    const watch = await client.watch(
      { key: bytes("w/"), rangeEnd: bytes("w0"), startRevision: start, progressNotify: true, fragment: true },
      {
        onResponse: (response) => {
          seen.push(response);
          wake();
        },
        onEnd: (error) => assert.fail(error),
      },
    );
    const events = () => seen.flatMap((response) => response.events);
    await until(() => events().length >= 7);
    assert.deepEqual(
      events().map((event) => safeNumber(event.kv.modRevision) - start),
      [0, 1, 2, 3, 4, 5, 6],
    );
    assert.ok(seen.some((response) => response.fragment));
    const outside = safeNumber((await put(client, "other", "")).header.revision);
    await until(() => {
      watch.requestProgress();
      const last = seen.at(-1)!;
      return last.events.length === 0 && safeNumber(last.header.revision) >= outside;
    });
    watch.close();
  } finally {
    clearInterval(keepAlive);
    client.close();
  }
});

test("the next member takes over when one cannot be reached", { skip }, async () => {
  const client = clientOf("http://127.0.0.1:1", etcd.url);
  try {
    await put(client, "failover", "1");
    await put(client, "failover", "2");
    assert.equal(client.stats().connects, 1);
  } finally {
    client.close();
  }
});

test("a write whose connection breaks is not repeated, and its outcome is called unknown", async () => {
  let requests = 0;
  const { url, close } = await fakeMember((stream) => {
    requests++;
    stream.on("error", () => undefined);
    stream.session?.destroy();
  });
  const client = clientOf(url, url);
  try {
    await assert.rejects(
      put(client, "k", "v"),
      (error: unknown) => error instanceof EtcdError && error.mayHaveHappened,
    );
    assert.equal(requests, 1);
  } finally {
    client.close();
    await close();
  }
});

test("a call that gets no answer ends at its deadline; an unreachable etcd is told at once", async () => {
  const { url, close } = await fakeMember(() => undefined);
  const silent = clientOf(url);
  const keepAlive = setInterval(() => undefined, 1_000);
  try {
    const request = { key: bytes("k") };
    const call = silent.call(silent.methods.range, request, { deadlineMs: 50, repeatable: false });
    await assert.rejects(
      call,
      (error: unknown) => error instanceof EtcdError && error.code === grpcCode.deadlineExceeded,
    );
  } finally {
    clearInterval(keepAlive);
    silent.close();
    await close();
  }
  const nobody = clientOf("http://127.0.0.1:1");
  await assert.rejects(
    put(nobody, "k", "v"),
    (error: unknown) => error instanceof EtcdError && !error.mayHaveHappened,
  );
  nobody.close();
});

/** An HTTP/2 server that is no etcd. */
async function fakeMember(onStream: (stream: http2.ServerHttp2Stream) => void) {
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => undefined);
  });
  server.on("stream", onStream);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
