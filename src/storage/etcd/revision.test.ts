import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Key } from "../port.ts";
import type { Event, WatchResponse } from "./client/messages.ts";
import { etcdKeys } from "./etcd-keys.ts";
import { EventReader, OversizedTransactionError } from "./event-reader.ts";
import { progressTrusted } from "./identity.ts";
import { endOf, modOf, openValue, positions, sealValue, toRevision } from "./revision.ts";
import { testKeySpace } from "./testing/test-store.ts";

const keys = etcdKeys(testKeySpace, undefined);

test("a sealed value gives back value and position, whatever the value", () => {
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.stringMatching(/^[ \t\r\n{}]*$/).map(Buffer.from),
  );
  fc.assert(
    fc.property(value, fc.nat(positions - 1), (bytes, position) => {
      const opened = openValue(sealValue(bytes, position));
      assert.deepEqual([...opened.value], [...bytes]);
      assert.equal(opened.position, position);
    }),
  );
  for (const json of ["{}", "[1]", '"x"']) {
    assert.deepEqual(JSON.parse(sealValue(Buffer.from(json), 77).toString()), JSON.parse(json));
    assert.deepEqual(openValue(Buffer.from(json)), { value: Buffer.from(json), position: undefined });
  }
});

test("revisions order by transaction, then position", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 45 }), fc.nat(positions - 1), (mod, position) => {
      const revision = toRevision(mod, position);
      assert.equal(modOf(revision), mod);
      assert.ok(revision <= endOf(mod) && endOf(mod) < toRevision(mod + 1, 0));
    }),
  );
  assert.throws(() => toRevision(2 ** 47, 0), RangeError);
});

test("fragments are put together: no cutting tears a transaction or changes a revision", () => {
  const transactions = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(transactions, fc.array(fc.boolean(), { maxLength: 80 }), (sizes, cuts) => {
      const events: Event[] = sizes.flatMap((size, i) =>
        Array.from({ length: size }, (_, j) => ({
          type: j % 3 === 2 ? 1 : 0,
          kv: {
            key: keys.encode(`/registry/a/b/c/${i}-${j}` as Key),
            modRevision: 10 + i,
            version: 1,
            value: sealValue(Buffer.from("v"), j),
          },
        })),
      );
      const whole = new EventReader(keys, 9).read(response(events, false)).changes;
      const reader = new EventReader(keys, 9);
      const read = [];
      let part: Event[] = [];
      for (const [i, event] of events.entries()) {
        part.push(event);
        if (cuts[i] !== true && i < events.length - 1) continue;
        const result = reader.read(response(part, i < events.length - 1));
        part = [];
        read.push(...result.changes);
        const done = result.changes.at(-1);
        if (done !== undefined) assert.equal(result.upTo, modOf(done.revision));
        if (done !== undefined)
          assert.equal(done.key.endsWith(`-${sizes[modOf(done.revision) - 10]! - 1}`), true);
      }
      assert.deepEqual(read, whole);
    }),
  );
});

test("a foreign transaction with more changes than positions is refused, and so is disorder", () => {
  const event = (mod: number, name: string): Event => ({
    type: 1,
    kv: {
      key: keys.encode(`/registry/${name}` as Key),
      modRevision: mod,
      version: 0,
      value: Buffer.alloc(0),
    },
  });
  const many = (count: number) =>
    response(
      Array.from({ length: count }, (_, i) => event(5, `k${i}`)),
      false,
    );
  assert.equal(new EventReader(keys, 4).read(many(positions)).changes.length, positions);
  assert.throws(() => new EventReader(keys, 4).read(many(positions + 1)), OversizedTransactionError);
  assert.throws(
    () => new EventReader(keys, 4).read(response([event(6, "a"), event(5, "b")], false)),
    RangeError,
  );
  assert.throws(() => new EventReader(keys, 5).read(response([event(5, "b")], false)), RangeError);
});

test("keys: the prefix is replaced, strangers are passed over", () => {
  const other = etcdKeys(testKeySpace, "/x/y/");
  const key = "/registry/core/pods/c/ü" as Key;
  assert.equal(other.encode(key).toString(), "/x/y/core/pods/c/ü");
  assert.equal(other.decode(other.encode(key)), key);
  for (const stranger of ["/x/yz", "/x/y", "/x/y/\0", `/x/y/${"k".repeat(1_536)}`]) {
    assert.equal(other.decode(Buffer.from(stranger)), undefined, stranger);
  }
  assert.equal(other.decode(Buffer.from([0x2f, 0x78, 0x2f, 0x79, 0x2f, 0xff])), undefined);
  // The store's own records stand within what is watched, and outside of what is replicated.
  for (const own of [other.identity, other.compaction, other.tick]) {
    assert.ok(Buffer.compare(other.watchStart, own) <= 0 && Buffer.compare(own, other.start) < 0);
    assert.equal(other.decode(own), undefined);
  }
  assert.throws(() => etcdKeys({ ...testKeySpace, prefix: "/registry" }, undefined), RangeError);
});

test("progress notifications are trusted from 3.4.25 and 3.5.8 on", () => {
  const trusted = ["3.4.25", "3.4.40", "3.5.8", "3.5.30", "3.6.0", "4.0.0"];
  for (const version of trusted) assert.equal(progressTrusted(version), true, version);
  for (const version of ["3.4.24", "3.4.0", "3.5.0", "3.5.7", "3.3.99", "", "x"]) {
    assert.equal(progressTrusted(version), false, version);
  }
});

function response(events: Event[], fragment: boolean): WatchResponse {
  const header = { clusterId: 1, revision: 1 };
  return { header, created: false, canceled: false, compactRevision: 0, cancelReason: "", fragment, events };
}
