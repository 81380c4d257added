import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseEndpoints } from "./endpoints.ts";
import { Gate } from "./gate.ts";
import { EtcdError } from "./grpc-error.ts";
import { FrameReader, frame } from "./grpc-frame.ts";
import { etcdMethods, idText, safeNumber } from "./messages.ts";

test("messages survive any cutting of the byte stream", () => {
  const message = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 8 }),
      fc.array(fc.nat(60), { maxLength: 40 }),
      (messages, cuts) => {
        const stream = Buffer.concat(messages.map(frame));
        const reader = new FrameReader(40);
        const read: Buffer[] = [];
        let at = 0;
        for (const cut of [...cuts, stream.length]) {
          read.push(...reader.push(stream.subarray(at, at + cut)));
          at = Math.min(stream.length, at + cut);
        }
        assert.deepEqual(
          read.map((bytes) => [...bytes]),
          messages.map((bytes) => [...bytes]),
        );
        assert.equal(reader.idle, true);
      },
    ),
  );
});

test("too large and compressed messages are refused", () => {
  assert.throws(() => new FrameReader(4).push(frame(Buffer.alloc(5))), EtcdError);
  assert.throws(() => new FrameReader(4).push(Buffer.from([1, 0, 0, 0, 0])), EtcdError);
});

test("integers are exact up to 2^53 and refused beyond", () => {
  const { range } = etcdMethods();
  // header { revision: N } as etcd would encode it
  const header = (revision: bigint) => {
    const varint: number[] = [];
    for (let rest = revision; ; rest >>= 7n) {
      if (rest < 128n) {
        varint.push(Number(rest));
        break;
      }
      varint.push(Number(rest & 127n) | 128);
    }
    return Uint8Array.from([0x0a, varint.length + 1, 0x18, ...varint]);
  };
  const revisionOf = (revision: bigint) => range.decode(header(revision)).header.revision;
  for (const revision of [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n]) {
    assert.equal(safeNumber(revisionOf(revision)), Number(revision));
  }
  assert.throws(() => safeNumber(revisionOf(2n ** 53n)), /between 0 and 2\^53/);
  assert.throws(() => safeNumber(revisionOf(2n ** 64n - 1n)), RangeError);
  assert.equal(idText(revisionOf(0xcdf818194e3a8c32n)), "cdf818194e3a8c32");
});

test("the gate bounds what runs and what waits", async () => {
  const gate = new Gate(2, 2);
  const ends: (() => void)[] = [];
  const task = () => new Promise<void>((resolve) => ends.push(resolve));
  const calls = [gate.run(task), gate.run(task), gate.run(task), gate.run(task)];
  await assert.rejects(gate.run(task), /are waiting/);
  assert.deepEqual([gate.running, gate.queued, ends.length], [2, 2, 2]);
  for (let i = 0; i < 4; i++) {
    ends[i]!();
    await calls[i];
    await Promise.resolve();
  }
  assert.deepEqual([gate.running, gate.queued], [0, 0]);
});

test("endpoints", () => {
  assert.deepEqual(parseEndpoints(["localhost:2379", "https://[::1]:2379", "http://a:1/"]), [
    "http://localhost:2379",
    "https://[::1]:2379",
    "http://a:1",
  ]);
  for (const bad of [
    "unix:///tmp/x",
    "http://user:pw@h:1",
    "http://h:1/path",
    "http://h:1?x",
    "",
    "http://",
  ]) {
    assert.throws(() => parseEndpoints([bad]), RangeError, bad);
  }
  assert.throws(() => parseEndpoints([]), RangeError);
});
