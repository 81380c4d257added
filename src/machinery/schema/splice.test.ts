import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { cloneJson } from "#machinery/json/clone.ts";
import { readOwnJson } from "#machinery/json/read.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { canonicalBytes, clusterAnnotation } from "./canonical.ts";
import { maxSplicedBytes, type StoredIdentity, spliceInto, spliceStored } from "./splice.ts";

const identity: StoredIdentity = { name: "a", namespace: "ns", cluster: "root:x", revision: 7 };

describe("canonicalBytes", () => {
  it("starts with apiVersion, kind and metadata, with the annotations first", () => {
    const bytes = canonicalBytes({
      data: { a: "b" },
      metadata: {
        name: "x",
        labels: { l: "1" },
        uid: "u",
        resourceVersion: "5",
        namespace: "ns",
        selfLink: "/",
        annotations: { z: "1", [clusterAnnotation]: "root", a: "2" },
      },
      kind: "ConfigMap",
      apiVersion: "v1",
    });
    assert.equal(
      bytes.toString(),
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"annotations":{"a":"2","z":"1"},"uid":"u","labels":{"l":"1"}},"data":{"a":"b"}}',
    );
  });

  it("has no annotations when only the derived one is there, and skips undefined members", () => {
    const object = {
      apiVersion: "v1",
      kind: "X",
      metadata: { annotations: { [clusterAnnotation]: "c" }, uid: undefined },
    };
    assert.equal(canonicalBytes(object).toString(), '{"apiVersion":"v1","kind":"X","metadata":{}}');
  });

  it("keeps its start when a root key looks like an index", () => {
    const text = canonicalBytes({ 0: 1, apiVersion: "v1", kind: "X", metadata: { 1: 2 } }).toString();
    assert.equal(text, '{"apiVersion":"v1","kind":"X","metadata":{"1":2},"0":1}');
  });
});

describe("spliceStored", () => {
  it("inserts what the key says", () => {
    const value = canonicalBytes({
      apiVersion: "v1",
      kind: "X",
      metadata: { annotations: { a: "1" } },
      data: 1,
    });
    assert.equal(
      spliceStored(value, identity).toString(),
      '{"apiVersion":"v1","kind":"X","metadata":{"name":"a","namespace":"ns","resourceVersion":"7","annotations":{"kcp.io/cluster":"root:x","a":"1"}},"data":1}',
    );
    assert.equal(
      spliceStored(value, { ...identity, namespace: "" }, { omitTypeMeta: true }).toString(),
      '{"metadata":{"name":"a","resourceVersion":"7","annotations":{"kcp.io/cluster":"root:x","a":"1"}},"data":1}',
    );
  });

  it("refuses what is not in the stored form", () => {
    assert.throws(
      () => spliceStored(Buffer.from('{"a":{"metadata":[]}}'), identity),
      /not in the stored form/,
    );
  });

  // Decoded objects hold well-formed strings only.
  const hostile = fc
    .oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        '"metadata":{',
        '{"metadata":{',
        '"annotations":{',
        "__proto__",
        "constructor",
        "\\",
        '\\"',
        "{",
      ),
    )
    .map((text) => text.toWellFormed());
  const strings = fc.dictionary(hostile, hostile, { maxKeys: 5 });

  it("is the inverse of canonicalBytes, for hostile strings too", () => {
    fc.assert(
      fc.property(
        hostile,
        hostile,
        fc.option(strings, { nil: undefined }),
        strings,
        fc.record({ name: hostile, namespace: hostile, cluster: hostile, revision: fc.maxSafeNat() }),
        fc.nat(20),
        (apiVersion, kind, annotations, labels, id, offset) => {
          const metadata: JsonObject = { labels };
          if (annotations !== undefined) metadata.annotations = annotations;
          const object = { apiVersion, kind, metadata, data: labels };
          const value = canonicalBytes(object);
          const target = Buffer.alloc(offset + maxSplicedBytes(value, id) + 3, 0xff);
          const end = spliceInto(target, offset, value, id);
          assert.ok(end <= offset + maxSplicedBytes(value, id));
          const back = readOwnJson(target.subarray(offset, end));
          const expected = {
            ...object,
            metadata: {
              name: id.name,
              ...(id.namespace === "" ? {} : { namespace: id.namespace }),
              // Revision 0: nothing was written (a dry run).
              ...(id.revision === 0 ? {} : { resourceVersion: String(id.revision) }),
              annotations: { [clusterAnnotation]: id.cluster, ...annotations },
              labels,
            },
          };
          // JSON.parse of this Node mixes up escaped keys (`parse-keys.ts`).
          assert.deepEqual(back, cloneJson(expected as JsonObject));
          assert.deepEqual(spliceStored(value, id), target.subarray(offset, end));
        },
      ),
    );
  });
});
