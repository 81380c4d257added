import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StatusError } from "#machinery/errors/status-error.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { Field, Schema } from "#machinery/schema/types.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { maxJsonPatchOperations } from "./json-patch-operations.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

const json: fc.Arbitrary<JsonValue> = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>;
const fails = (code: number) => (error: unknown) => error instanceof StatusError && error.code === code;

test("merge patch: examples of RFC 7386", () => {
  const cases: [string, string, string][] = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', "{}"],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
    ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
    ["{}", '{"__proto__":{"x":1}}', '{"__proto__":{"x":1}}'],
  ];
  for (const [target, patch, result] of cases) {
    const parsed = JSON.parse(target) as JsonValue;
    assert.ok(
      jsonEqual(applyMergePatch(parsed, JSON.parse(patch) as JsonValue), JSON.parse(result) as JsonValue),
      patch,
    );
    assert.deepEqual(parsed, JSON.parse(target), "the target is not changed");
  }
});

test("JSON patch: operations", () => {
  const apply = (document: JsonValue, ...operations: JsonObject[]) => applyJsonPatch(document, operations);
  assert.deepEqual(apply({ a: 1 }, { op: "add", path: "/b", value: 2 }), { a: 1, b: 2 });
  assert.deepEqual(apply({ a: [1, 3] }, { op: "add", path: "/a/1", value: 2 }), { a: [1, 2, 3] });
  assert.deepEqual(apply({ a: [1] }, { op: "add", path: "/a/-", value: 2 }), { a: [1, 2] });
  assert.deepEqual(apply({ a: [1, 2] }, { op: "remove", path: "/a/0" }), { a: [2] });
  assert.deepEqual(apply({ a: { b: 1 } }, { op: "move", from: "/a/b", path: "/c" }), { a: {}, c: 1 });
  assert.deepEqual(apply({ a: { b: 1 } }, { op: "copy", from: "/a", path: "/c" }), {
    a: { b: 1 },
    c: { b: 1 },
  });
  assert.deepEqual(
    apply(
      { "a/b": 1, "c~d": 2 },
      { op: "replace", path: "/a~1b", value: 3 },
      { op: "test", path: "/c~0d", value: 2 },
    ),
    {
      "a/b": 3,
      "c~d": 2,
    },
  );
  assert.deepEqual(apply({ a: 1 }, { op: "replace", path: "", value: { b: 1 } }), { b: 1 });
  assert.deepEqual(apply({}, { op: "test", path: "/missing", value: null }), {});
  const polluted = apply({}, { op: "add", path: "/__proto__", value: { x: 1 } }) as JsonObject;
  assert.deepEqual(Object.keys(polluted), ["__proto__"]);
  assert.equal(({} as { x?: number }).x, undefined);
});

test("JSON patch: what cannot be done answers 422, what is malformed 400, what is too much 413", () => {
  const document = { a: [1], b: { c: 1 } };
  for (const operation of [
    { op: "remove", path: "/nowhere" },
    { op: "add", path: "/no/where", value: 1 },
    { op: "add", path: "/a/2", value: 1 },
    { op: "add", path: "/a/x", value: 1 },
    { op: "frob", path: "/a" },
    { op: "add", path: "a", value: 1 },
    { op: "test", path: "/b/c", value: 2 },
    { op: "move", from: "/b", path: "/b/c" },
    { op: "copy", from: "/x/z", path: "/y" },
  ]) {
    assert.throws(() => applyJsonPatch(document, [operation]), fails(422), JSON.stringify(operation));
  }
  for (const patch of [{}, [1], "x"]) {
    assert.throws(() => applyJsonPatch(document, patch), fails(400), JSON.stringify(patch));
  }
  const many = Array.from({ length: maxJsonPatchOperations + 1 }, () => ({
    op: "test",
    path: "/b/c",
    value: 1,
  }));
  assert.throws(() => applyJsonPatch(document, many), fails(413));
  const doubling = [
    { op: "add", path: "/x", value: "y".repeat(1_000_000) },
    ...Array.from({ length: 4 }, (_, i) => ({ op: "copy", from: "/x", path: `/c${i}` })),
  ];
  assert.throws(() => applyJsonPatch(document, doubling), fails(422));
  assert.deepEqual(document, { a: [1], b: { c: 1 } });
});

test("JSON patch: adding then removing a member changes nothing", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), json), fc.string(), json, (document, key, value) => {
      fc.pre(!Object.hasOwn(document, key));
      const path = `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      const result = applyJsonPatch(document as JsonObject, [
        { op: "add", path, value },
        { op: "test", path, value },
        { op: "remove", path },
      ]);
      assert.ok(jsonEqual(result, document as JsonObject));
    }),
  );
});

const field = (name: string, schema: Schema, more: Partial<Field> = {}): [string, Field] => [
  name,
  { name, schema, ...more },
];
const text: Schema = { kind: "string" };
const port: Schema = {
  kind: "object",
  fields: new Map([field("containerPort", { kind: "integer" }), field("name", text)]),
};
const container: Schema = {
  kind: "object",
  fields: new Map([
    field("name", text),
    field("image", text),
    field("args", { kind: "list", items: text }),
    field(
      "ports",
      { kind: "list", items: port },
      { patchStrategy: ["merge"], patchMergeKey: "containerPort" },
    ),
  ]),
};
const pod: Schema = {
  kind: "object",
  fields: new Map([
    field(
      "containers",
      { kind: "list", items: container },
      { patchStrategy: ["merge"], patchMergeKey: "name" },
    ),
    field("finalizers", { kind: "list", items: text }, { patchStrategy: ["merge"] }),
    field("labels", { kind: "map", values: text }),
    field(
      "strategy",
      { kind: "object", fields: new Map([field("type", text), field("rolling", { kind: "any" })]) },
      { patchStrategy: ["retainKeys"] },
    ),
    field(
      "selector",
      { kind: "object", fields: new Map([field("a", text), field("b", text)]) },
      { patchStrategy: ["replace"] },
    ),
  ]),
};
const types = {
  resolve(name: string): Schema {
    throw new Error(name);
  },
};
const strategic = (original: JsonObject, patch: JsonObject) =>
  applyStrategicMergePatch(original, patch, pod, types);

test("strategic merge: lists are merged by key, others replaced", () => {
  const original = {
    containers: [
      { name: "a", image: "1", args: ["x"], ports: [{ containerPort: 80, name: "http" }] },
      { name: "b", image: "1" },
    ],
  };
  assert.deepEqual(
    strategic(original, {
      containers: [{ name: "a", image: "2", args: ["y"], ports: [{ containerPort: 81 }] }],
    }),
    {
      containers: [
        {
          name: "a",
          image: "2",
          args: ["y"],
          ports: [{ containerPort: 81 }, { containerPort: 80, name: "http" }],
        },
        { name: "b", image: "1" },
      ],
    },
  );
  assert.deepEqual(strategic(original, { containers: [{ name: "b", $patch: "delete" }] }), {
    containers: [original.containers[0]],
  });
  assert.deepEqual(strategic(original, { containers: [{ name: "c" }, { $patch: "replace" }] }), {
    containers: [{ name: "c" }],
  });
  assert.throws(() => strategic(original, { containers: [{ image: "3" }] }), fails(422));
});

test("strategic merge: directives", () => {
  assert.deepEqual(strategic({ finalizers: ["a", "b"] }, { finalizers: ["b", "c"] }), {
    finalizers: ["a", "b", "c"],
  });
  assert.deepEqual(strategic({ finalizers: ["a", "b"] }, { "$deleteFromPrimitiveList/finalizers": ["a"] }), {
    finalizers: ["b"],
  });
  assert.deepEqual(
    strategic(
      { finalizers: ["a", "b", "live"] },
      { "$setElementOrder/finalizers": ["b", "a"], finalizers: [] },
    ),
    { finalizers: ["b", "a", "live"] },
  );
  assert.deepEqual(
    strategic(
      { containers: [{ name: "a" }, { name: "b" }] },
      {
        "$setElementOrder/containers": [{ name: "b" }, { name: "a" }],
        containers: [{ name: "b", image: "2" }],
      },
    ),
    { containers: [{ name: "b", image: "2" }, { name: "a" }] },
  );
  assert.deepEqual(
    strategic(
      { strategy: { type: "Rolling", rolling: {} } },
      { strategy: { $retainKeys: ["type"], type: "Recreate" } },
    ),
    {
      strategy: { type: "Recreate" },
    },
  );
  assert.deepEqual(strategic({ labels: { a: "1", b: "2" } }, { labels: { $patch: "replace", c: "3" } }), {
    labels: { c: "3" },
  });
  assert.deepEqual(strategic({ labels: { a: "1" } }, { labels: { $patch: "delete" } }), { labels: {} });
  assert.deepEqual(strategic({ selector: { a: "1" } }, { selector: { b: "2" } }), { selector: { b: "2" } });
  assert.deepEqual(strategic({ labels: { a: "1" } }, { labels: { a: null, b: "2" } }), {
    labels: { b: "2" },
  });
  assert.deepEqual(strategic({}, { labels: { a: null, b: "2" } }), { labels: { b: "2" } });
  assert.throws(() => strategic({ labels: {} }, { labels: { $patch: "frob" } }), fails(422));
  assert.deepEqual(strategic({}, { "$deleteFromPrimitiveList/finalizers": "no" }), {});
  assert.throws(() => strategic({}, { $deleteFromPrimitiveList: ["x"] }), fails(400));
  assert.throws(
    () => strategic({ strategy: { type: "x" } }, { strategy: { $retainKeys: ["rolling"], type: "y" } }),
    fails(400),
  );
});

test("strategic merge: an empty patch changes nothing, and the original stays as it was", () => {
  const original = { containers: [{ name: "a", image: "1" }], labels: { x: "y" } };
  const before = structuredClone(original);
  assert.deepEqual(strategic(original, {}), original);
  strategic(original, { containers: [{ name: "a", image: "2" }, { name: "b" }], labels: { x: null } });
  assert.deepEqual(original, before);
});

test("strategic merge: directives where there is nothing they could be about, as upstream does", () => {
  assert.deepEqual(
    strategic({}, { labels: { a: "1", $patch: "replace" } }),
    {},
    "a new object with a directive is dropped",
  );
  assert.deepEqual(strategic({}, { containers: [{ name: "a" }, { $patch: "replace" }] }), {
    containers: [{ name: "a" }],
  });
  assert.deepEqual(strategic({ selector: { a: "1" } }, { selector: { b: "2", $patch: "replace" } }), {
    selector: { b: "2", $patch: "replace" },
  });
  assert.deepEqual(
    strategic({ containers: [{ name: "a" }] }, { containers: null, "$setElementOrder/containers": [] }),
    {},
    "null deletes, whatever order is asked for",
  );
});

test("strategic merge: long lists are merged by an index", () => {
  const many = Array.from({ length: 20_000 }, (_, i) => ({ name: `c${i}` }));
  const order = many.toReversed().map(({ name }) => ({ name }));
  const merged = strategic({ containers: many }, { containers: order, "$setElementOrder/containers": order });
  assert.deepEqual(merged.containers, order);
});
