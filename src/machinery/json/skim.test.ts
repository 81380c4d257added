import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readOwnJson } from "./read.ts";
import { each, type SkimPath, skimOwnJson, withoutMembers } from "./skim.ts";
import { isJsonObject, type JsonValue, setOwn } from "./value.ts";
import { writeJson } from "./write.ts";

const bytesOf = (value: JsonValue): Buffer => Buffer.from(writeJson(value), "utf8");

test("what is left out stands beside the rest", () => {
  const text = '{"a":"\\"x{","list":[{"name":"1","big":{"b":[1,2]}},{"big":"}\\\\"},{"name":"3"},4],"big":5}';
  const { value, parts } = skimOwnJson(Buffer.from(text), ["list", each, "big"]);
  assert.deepEqual(value, {
    a: '"x{',
    list: [{ name: "1", big: null }, { big: null }, { name: "3" }, 4],
    big: 5,
  });
  assert.deepEqual(parts.map(String), ['{"b":[1,2]}', '"}\\\\"']);
});

test("a path that leads nowhere leaves nothing out", () => {
  for (const text of ["{}", "[]", "null", '{"list":{}}', '{"list":[]}', '{"list":[[],"a",1]}', '"list"'])
    assert.deepEqual(skimOwnJson(Buffer.from(text), ["list", each, "big"]), {
      value: readOwnJson(Buffer.from(text)),
      parts: [],
    });
});

test("put back in their places, the parts give the whole", () => {
  const step = fc.constantFrom<SkimPath[number]>("a", "b", "__proto__", each);
  const key = fc.oneof(fc.constantFrom("a", "b", "__proto__", 'a"', "a\\"), fc.string());
  const { value: tree } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<JsonValue>(null, true, 12, -0.5, "", '"', "\\", "{[,]}", "é\u2028"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((pairs) => {
        const object = {};
        for (const [name, value] of pairs) setOwn(object, name, value);
        return object;
      }),
    ),
  }));
  fc.assert(
    fc.property(tree, fc.array(step, { maxLength: 4 }), (value, path) => {
      const { value: rest, parts } = skimOwnJson(bytesOf(value), path);
      let next = 0;
      const restored = (at: JsonValue, depth: number): JsonValue => {
        if (depth === path.length) {
          assert.equal(at, null);
          return readOwnJson(parts[next++]!);
        }
        const name = path[depth]!;
        if (name === each) return Array.isArray(at) ? at.map((item) => restored(item, depth + 1)) : at;
        if (isJsonObject(at) && Object.hasOwn(at, name)) setOwn(at, name, restored(at[name]!, depth + 1));
        return at;
      };
      assert.deepEqual(restored(rest, 0), readOwnJson(bytesOf(value)));
      assert.equal(next, parts.length);
    }),
    { numRuns: 500 },
  );
});

test("an object without some of its members has all others as they were", () => {
  const names = ["a", "labels", 'b"', "\u00e9"];
  const member = fc.tuple(fc.constantFrom(...names, "c", "la", ""), fc.jsonValue({ maxDepth: 2 }));
  fc.assert(
    fc.property(fc.array(member), fc.subarray(names.slice(0, 2)), (members, left) => {
      const object = {};
      const rest = {};
      for (const [name, value] of members) {
        setOwn(object, name, value as JsonValue);
        if (!left.includes(name)) setOwn(rest, name, value as JsonValue);
      }
      assert.equal(String(withoutMembers(bytesOf(object), left)), String(bytesOf(rest)));
    }),
  );
});
