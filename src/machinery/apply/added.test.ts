import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonValue } from "#machinery/json/value.ts";
import { addedBelow } from "./added.ts";
import { compactSet } from "./compact-set.ts";
import { FieldSet } from "./field-set.ts";
import { deducedType } from "./typed-node.ts";

type Tree = { readonly [key: string]: Tree | string };
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.dictionary(
    fc.constantFrom("a", "b", "c", "dd", "e|<*>~", ":f", "ä", "😀"),
    fc.oneof({ maxDepth: 4 }, fc.constant("x"), tie("tree")),
    { maxKeys: 5, noNullPrototype: true },
  ),
}));

/** Every path of a tree, put together one by one. */
function pathsOf(value: Tree, prefix: readonly string[] = []): (readonly string[])[] {
  return Object.entries(value).flatMap(([key, member]) => {
    const path = [...prefix, `f:${key}`];
    return typeof member === "string" ? [path] : [path, ...pathsOf(member, path)];
  });
}

test("what a value adds is every path in it, whether or not such levels were seen before", () => {
  fc.assert(
    fc.property(tree, (value) => {
      const expected = FieldSet.of(...pathsOf(value));
      const first = addedBelow(deducedType, value as JsonValue) ?? FieldSet.empty;
      const again = addedBelow(deducedType, structuredClone(value) as JsonValue) ?? FieldSet.empty;
      assert.ok(first.equals(expected));
      assert.ok(again.equals(expected));
      assert.equal(compactSet(again), compactSet(expected));
    }),
    { numRuns: 2_000 },
  );
});

test("an object with the fields of another has the same set, and so its text is made once", () => {
  const make = (value: string): JsonValue => ({ spec: { one: value, two: { three: value } } });
  assert.equal(addedBelow(deducedType, make("a")), addedBelow(deducedType, make("b")));
});

test("levels with very many or very long names are not kept", () => {
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, "v"]));
  assert.notEqual(addedBelow(deducedType, { many }), addedBelow(deducedType, { many }));
  const long = { ["k".repeat(127)]: "v" };
  assert.notEqual(addedBelow(deducedType, { long }), addedBelow(deducedType, { long }));
});
