import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { canonicalBytes } from "#machinery/schema/canonical.ts";
import { maxSplicedBytes, spliceStored } from "#machinery/schema/splice.ts";
import { readCompactManaged } from "./compact.ts";
import { compactSet, readCompactSet } from "./compact-set.ts";
import { FieldSet } from "./field-set.ts";
import { fieldsOf, readFields } from "./fields-v1.ts";
import { type ManagedFieldsEntry, readManaged, writeManaged } from "./managed.ts";
import { fieldElement, keyElement, pathText, valueElement } from "./path-element.ts";
import { fieldsText } from "./testing/fields-text.ts";

const name = fc.oneof(
  fc.constantFrom("spec", "data", "a|b", ":x", "~", "<", "*", "", ".", "a>b", "é", '"', "\n", "__proto__"),
  fc.string({ maxLength: 6, unit: "binary" }).map((text) =>
    // JSON.parse of V8 13.6 mixes up keys with a backslash and keys with any other escape.
    text.toWellFormed().replaceAll("\\", "/"),
  ),
);
const scalar = fc.oneof(fc.integer(), fc.boolean(), name, fc.constant(1.5));
const element = fc.oneof(
  name.map(fieldElement),
  fc.tuple(name, scalar).map(([key, value]) => keyElement([[key, value]])),
  scalar.map(valueElement),
  fc.nat(99).map((index) => `i:${index}`),
);
const path = fc.array(element, { minLength: 1, maxLength: 5 });
const set = fc.array(path, { maxLength: 12 }).map((paths) => FieldSet.of(...paths));

const texts = (of: FieldSet): string[] => {
  const found: string[] = [];
  of.forEachPath((one) => found.push(JSON.stringify(one)));
  return found.sort();
};

describe("field sets", () => {
  it("are sets of paths: union, intersection and difference say the same as for plain sets", () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const left = new Set(texts(a));
        const right = new Set(texts(b));
        assert.deepEqual(texts(a.union(b)), [...new Set([...left, ...right])].sort());
        assert.deepEqual(texts(a.intersection(b)), [...left].filter((one) => right.has(one)).sort());
        assert.deepEqual(texts(a.difference(b)), [...left].filter((one) => !right.has(one)).sort());
        assert.deepEqual(
          texts(a.recursiveDifference(b)),
          [...left].filter((one) => {
            const steps = JSON.parse(one) as string[];
            return !steps.some((_, i) => right.has(JSON.stringify(steps.slice(0, i + 1))));
          }),
        );
      }),
    );
  });

  it("come back from FieldsV1 and from the stored text", () => {
    fc.assert(
      fc.property(set, (a) => {
        assert.ok(readFields(fieldsOf(a)).equals(a));
        assert.ok(readFields(JSON.parse(fieldsText(a))).equals(a));
        const fresh = readFields(fieldsOf(a));
        assert.ok(readCompactSet(compactSet(fresh)).equals(a));
      }),
    );
  });

  it("are written in upstream's order: fields, keys, values, indexes", () => {
    const mixed = FieldSet.of(
      ["i:2"],
      ["i:10"],
      [valueElement("b")],
      [valueElement(2)],
      [keyElement([["port", 443]])],
      [keyElement([["port", 80]]), "f:name"],
      [keyElement([["port", 80]])],
      ["f:z"],
      ["f:a", "f:b"],
    );
    assert.equal(
      fieldsText(mixed),
      '{"f:a":{"f:b":{}},"f:z":{},"k:{\\"port\\":80}":{".":{},"f:name":{}},"k:{\\"port\\":443}":{},"v:2":{},"v:\\"b\\"":{},"i:2":{},"i:10":{}}',
    );
    assert.equal(
      pathText([
        keyElement([
          ["name", "a"],
          ["port", 80],
        ]),
        "f:x",
        valueElement("q"),
        "i:1",
      ]),
      '[name="a",port=80].x[="q"][1]',
    );
  });
});

const entries = fc
  .array(
    fc.record({
      manager: name,
      operation: fc.constantFrom("Apply", "Update"),
      apiVersion: fc.constantFrom("v1", "apps/v1"),
      subresource: fc.oneof(fc.constant(""), fc.constant("status"), name),
      time: fc.constantFrom(undefined, "2026-01-02T03:04:05Z"),
      set,
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((list): ManagedFieldsEntry[] =>
    list.map(({ manager, operation, apiVersion, subresource, time, set: owned }) => ({
      ...(manager !== "" && { manager }),
      operation,
      apiVersion,
      ...(time !== undefined && { time }),
      fieldsType: "FieldsV1",
      fieldsV1: fieldsOf(owned),
      ...(subresource !== "" && { subresource }),
    })),
  );

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("stored managed fields", () => {
  it("are spliced to the JSON that they were, within the room that was reserved", () => {
    fc.assert(
      fc.property(entries, fc.boolean(), fc.boolean(), (managedFields, labels, annotations) => {
        const object = {
          apiVersion: "apps/v1",
          kind: "X",
          metadata: {
            name: "n",
            ...(labels && { labels: { a: "b" } }),
            ...(annotations && { annotations: { c: "d" } }),
            managedFields,
          },
          spec: { managedFields: "x" },
        };
        const value = canonicalBytes(object);
        assert.ok(value.includes('"metadata":{"managedFields":"'));
        const identity = { name: "n", namespace: "", cluster: "c", revision: 7 };
        const spliced = spliceStored(value, identity);
        assert.deepEqual(plain(JSON.parse(spliced.toString())), {
          ...object,
          metadata: {
            ...object.metadata,
            resourceVersion: "7",
            annotations: { ...(annotations && { c: "d" }), "kcp.io/cluster": "c" },
          },
        });
        assert.ok(spliced.length <= maxSplicedBytes(value, identity));
        const stored = JSON.parse(value.toString()) as { metadata: { managedFields: string } };
        assert.deepEqual(plain(readCompactManaged(stored.metadata.managedFields, "apps/v1")), managedFields);
      }),
    );
  });

  it("come back as they were from what apply works with", () => {
    fc.assert(
      fc.property(entries, (managedFields) => {
        const once = writeManaged(readManaged(managedFields as never))!;
        assert.deepEqual(plain(writeManaged(readManaged(once as never))), plain(once));
      }),
    );
  });
});
