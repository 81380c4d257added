import assert from "node:assert/strict";
import { test } from "node:test";
import { storedMetadata } from "./stored-metadata.ts";

const stored = (metadata: object): Buffer =>
  Buffer.from(JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { "}": '"}{' } }));

test("metadata is read without what users write as much of as they like, be it short or long", () => {
  const kept = { uid: "u", finalizers: ['a.b/"}{\\'], deletionTimestamp: "2026-01-01T00:00:00Z" };
  const free = { annotations: { "a}": '"metadata":{"uid":"x"}\\' }, labels: { "}": "{" } };
  assert.deepEqual(storedMetadata(stored({ ...free, ...kept })), kept);
  for (const length of [4_090, 4_096, 4_100, 100_000]) {
    const long = { labels: { long: "{".repeat(length) }, ...kept, annotations: { long: '"'.repeat(length) } };
    assert.deepEqual(storedMetadata(stored(long)), kept);
    const owners = Array.from({ length: length >> 5 }, (_, i) => ({ uid: `}${i}` }));
    assert.deepEqual(storedMetadata(stored({ ...kept, ownerReferences: owners, ...free })), {
      ...kept,
      ownerReferences: owners,
    });
  }
});

test("what is no stored object has no metadata", () => {
  assert.equal(storedMetadata(Buffer.from("7")), undefined);
  assert.equal(storedMetadata(Buffer.from('{"metadata":{"uid":"u"')), undefined);
});
