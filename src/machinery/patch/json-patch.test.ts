import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StatusError } from "#machinery/errors/status-error.ts";
import { jsonEqual } from "#machinery/json/equal.ts";
import { maxJsonDepth } from "#machinery/json/limits.ts";
import { readJson } from "#machinery/json/read.ts";
import { isJsonObject, type JsonObject, type JsonValue, rawNumber } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { maxJsonPatchOperations } from "./json-patch-operations.ts";
import { applyMergePatch } from "./merge-patch.ts";

const codeOf = (run: () => unknown): number => {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return error.code;
  }
  return 200;
};
const whyOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof StatusError);
    assert.equal(error.message, "the server rejected our request due to an error in our request");
    return error.status.details?.causes?.[0]?.message ?? "";
  }
  return "";
};
const patched = (document: string, patch: string): string =>
  writeJson(applyJsonPatch(readJson(document), readJson(patch)));

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonValue>;
const withoutNulls = (value: JsonValue): JsonValue => {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([key, member]) => [key, withoutNulls(member)]),
  );
};

/** Nulls of objects inside lists stay or go by what was there before: the laws do not hold for them. */
const withoutNullsInLists = (value: JsonValue): JsonValue => {
  if (Array.isArray(value)) return withoutNulls(value);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutNullsInLists(member)]));
};

test("property: merge patch laws", () => {
  fc.assert(
    fc.property(json, json.map(withoutNullsInLists), (document, patch) => {
      const before = writeJson(document);
      const once = applyMergePatch(document, patch);
      assert.ok(jsonEqual(applyMergePatch(once, patch), once), "applying twice is applying once");
      assert.equal(writeJson(document), before, "the document is not changed");
      if (isJsonObject(document))
        assert.ok(jsonEqual(applyMergePatch(document, {}), document), "the empty patch changes nothing");
      assert.ok(
        jsonEqual(applyMergePatch({}, patch), withoutNulls(patch)),
        "onto nothing, a patch without nulls is itself",
      );
    }),
  );
});

test("patches do not reach prototypes, and int64 passes through", () => {
  const hostile = readJson('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
  const merged = applyMergePatch({ a: 1 }, hostile) as JsonObject;
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.equal(merged.polluted, undefined);
  assert.equal(
    writeJson(merged),
    '{"a":1,"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  );
  assert.equal(
    patched(
      "{}",
      '[{"op":"add","path":"/__proto__","value":{"polluted":1}},{"op":"add","path":"/__proto__/x","value":2}]',
    ),
    '{"__proto__":{"polluted":1,"x":2}}',
  );
  assert.equal(
    codeOf(() => patched("{}", '[{"op":"add","path":"/__proto__/polluted","value":1}]')),
    422,
  );
  assert.equal(
    codeOf(() => patched("{}", '[{"op":"replace","path":"/constructor/prototype/polluted","value":1}]')),
    422,
  );
  assert.equal(
    codeOf(() => patched("[]", '[{"op":"add","path":"/length","value":1}]')),
    422,
  );
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.deepEqual(applyMergePatch({ a: 1 }, { a: rawNumber("9223372036854775807") }), {
    a: rawNumber("9223372036854775807"),
  });
});

test("JSON patch operations", () => {
  const rows: [string, string, string][] = [
    ['{"a":1}', '[{"op":"add","path":"/b","value":[1]}]', '{"a":1,"b":[1]}'],
    [
      '{"a":[1,3]}',
      '[{"op":"add","path":"/a/1","value":2},{"op":"add","path":"/a/-","value":4}]',
      '{"a":[1,2,3,4]}',
    ],
    ['{"a":[1,2]}', '[{"op":"add","path":"/a/-1","value":3}]', '{"a":[1,2,3]}'],
    ['{"a":[1,2]}', '[{"op":"remove","path":"/a/-1"}]', '{"a":[1]}'],
    [
      '{"a":{"b":1},"c":2}',
      '[{"op":"remove","path":"/a/b"},{"op":"replace","path":"/c","value":null}]',
      '{"a":{},"c":null}',
    ],
    ['{"a":[{"b":1}]}', '[{"op":"replace","path":"/a/0/b","value":2}]', '{"a":[{"b":2}]}'],
    ['{"a":{"b":1}}', '[{"op":"move","from":"/a/b","path":"/c"}]', '{"a":{},"c":1}'],
    [
      '{"a":{"b":1}}',
      '[{"op":"copy","from":"/a","path":"/c"},{"op":"replace","path":"/c/b","value":2}]',
      '{"a":{"b":1},"c":{"b":2}}',
    ],
    ['{"a~/":1}', '[{"op":"test","path":"/a~0~1","value":1},{"op":"remove","path":"/a~0~1"}]', "{}"],
    [
      '{"a":1}',
      '[{"op":"test","path":"/missing","value":null},{"op":"test","path":"","value":{"a":1}}]',
      '{"a":1}',
    ],
    ['{"a":1}', '[{"op":"replace","path":"","value":{"b":1}}]', '{"b":1}'],
    ['{"a":{"x":1,"y":2}}', '[{"op":"test","path":"/a","value":{"y":2,"x":1.0}}]', '{"a":{"x":1,"y":2}}'],
    ['{"":1}', '[{"op":"replace","path":"/","value":2}]', '{"":2}'],
    ["{}", '[{"op":"replace","path":"/new","value":1}]', '{"new":1}'],
    ["{}", '[{"op":"copy","from":"/missing","path":"/x"}]', '{"x":null}'],
    ['{"a":[1]}', '[{"op":"add","path":"/a/01","value":2}]', '{"a":[1,2]}'],
    ["{}", "[]", "{}"],
    ["{}", "null", "{}"],
  ];
  for (const [document, patch, expected] of rows) assert.equal(patched(document, patch), expected, patch);
});

test("operations that cannot be done are 422, and say why in a cause", () => {
  const rows: [string, string][] = [
    ['[{"op":"test","path":"/a","value":2}]', "testing value /a failed: test failed"],
    [
      '[{"op":"remove","path":"/x"}]',
      "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value",
    ],
    [
      '[{"op":"test","path":"/x/y","value":null}]',
      "test operation does not apply: is missing path: /x/y: missing value",
    ],
    [
      '[{"op":"add","path":"/x/y","value":1}]',
      'add operation does not apply: doc is missing path: "/x/y": missing value',
    ],
    [
      '[{"op":"add","path":"","value":1}]',
      'add operation does not apply: doc is missing path: "": missing value',
    ],
    [
      '[{"op":"add","path":"/l/9","value":1}]',
      "error in add for path: '/l/9': Unable to access invalid index: 9: invalid index referenced",
    ],
    [
      '[{"op":"add","path":"/l/x","value":1}]',
      `error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing "x": invalid syntax`,
    ],
    ['[{"op":"add","value":1}]', "add operation failed to decode path: missing value"],
    ['[{"op":"what","path":"/a"}]', "Unexpected kind: what"],
    [
      '[{"op":"move","from":"/x","path":"/y"}]',
      "error in move for path: 'x': Unable to remove nonexistent key: x: missing value",
    ],
    [
      '[{"op":"copy","from":"/x/z","path":"/y"}]',
      "copy operation does not apply: doc is missing from path: /x/z: missing value",
    ],
  ];
  for (const [patch, why] of rows)
    assert.equal(
      whyOf(() => patched('{"a":1,"l":[1]}', patch)),
      why,
      patch,
    );
});

test("what is no patch is 400, and too much is refused", () => {
  for (const patch of ["{}", '"x"', "[1]"])
    assert.equal(
      codeOf(() => patched("{}", patch)),
      400,
      patch,
    );
  const test_ = { op: "test", path: "/a", value: null };
  assert.equal(
    codeOf(() => applyJsonPatch({}, new Array<JsonValue>(maxJsonPatchOperations).fill(test_))),
    200,
  );
  assert.equal(
    codeOf(() => applyJsonPatch({}, new Array<JsonValue>(maxJsonPatchOperations + 1).fill(test_))),
    413,
  );
  const doubling = Array.from({ length: 30 }, () => ({ op: "copy", from: "/a", path: "/a/-" }));
  assert.equal(
    codeOf(() => applyJsonPatch({ a: ["x".repeat(1000)] }, doubling)),
    422,
  );
  const shifting = new Array<JsonValue>(maxJsonPatchOperations).fill({ op: "add", path: "/a/0", value: 1 });
  assert.equal(
    codeOf(() => applyJsonPatch({ a: new Array<JsonValue>(100_000).fill(0) }, shifting)),
    422,
  );
});

test("a patch cannot nest a document deeper than the reader would take", () => {
  const nested = (depth: number): JsonValue => readJson("[".repeat(depth) + "]".repeat(depth));
  const deep = `/a${"/0".repeat(maxJsonDepth - 3)}`;
  const document: JsonObject = { a: nested(maxJsonDepth - 2) };
  assert.equal(
    codeOf(() => applyJsonPatch(document, [{ op: "add", path: `${deep}/-`, value: 1 }])),
    200,
  );
  assert.equal(
    codeOf(() => applyJsonPatch(document, [{ op: "add", path: `${deep}/-`, value: nested(5) }])),
    422,
  );
  const into = [
    { op: "add", path: "/b", value: nested(500) },
    { op: "copy", from: "/b", path: `/a${"/0".repeat(600)}/-` },
  ];
  assert.equal(
    codeOf(() => applyJsonPatch(document, into)),
    422,
  );
  const sideways = Array.from({ length: 3_000 }, (_, i) => ({
    op: "move",
    from: i % 2 === 0 ? "/x" : "/y/z",
    path: i % 2 === 0 ? "/y/z" : "/x",
  }));
  assert.equal(
    codeOf(() => applyJsonPatch({ x: [1], y: {} }, sideways)),
    200,
  );
});

const listOperations: Readonly<Record<string, string>> = { insert: "add", cut: "remove", put: "replace" };

test("property: JSON patch agrees with a small model of a map and a list", () => {
  const key = fc.constantFrom("a", "b", "~", "/", "__proto__");
  const escapeKey = (text: string): string => text.replaceAll("~", "~0").replaceAll("/", "~1");
  const step = fc.oneof(
    fc.record({ type: fc.constantFrom("add", "replace", "remove", "test"), key, value: fc.nat(3) }),
    fc.record({
      type: fc.constantFrom("insert", "cut", "put"),
      key: fc.nat(4).map(String),
      value: fc.nat(3),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const map = new Map<string, number>();
      const list: number[] = [];
      let document: JsonValue = { m: {}, l: [] };
      for (const { type, key: at, value } of steps) {
        let possible = true;
        const index = Number(at);
        if (type === "add") map.set(at, value);
        else if (type === "replace") map.set(at, value);
        else if (type === "remove") possible = map.delete(at);
        else if (type === "test") possible = map.get(at) === value;
        else if (type === "insert") {
          possible = index <= list.length;
          if (possible) list.splice(index, 0, value);
        } else if (type === "cut") possible = list.splice(index, 1).length > 0;
        else {
          possible = index < list.length;
          if (possible) list[index] = value;
        }
        const op = listOperations[type] ?? type;
        const path = op === type ? `/m/${escapeKey(at)}` : `/l/${at}`;
        const operation: JsonObject = { op, path, ...(op === "remove" ? {} : { value }) };
        if (possible) document = applyJsonPatch(document, [operation]);
        else
          assert.equal(
            codeOf(() => applyJsonPatch(document, [operation])),
            422,
          );
        const { m, l } = document as { m: JsonObject; l: JsonValue[] };
        assert.deepEqual(new Map(Object.entries(m)), map);
        assert.deepEqual(l, list);
      }
    }),
  );
});
