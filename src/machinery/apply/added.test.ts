import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { addedBelow, addedToEmpty } from "./added.ts";
import { compactSet } from "./compact-set.ts";
import { compareTyped } from "./compare.ts";
import { FieldSet } from "./field-set.ts";
import { thingOf, thingType, wholeSpecs } from "./testing/things.ts";
import { deducedType } from "./typed-node.ts";
import { validateTyped } from "./validate.ts";

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

test("a new object has what comparing it with an empty one would say, if it is of its type, and else nothing is said", () => {
  const odd: fc.Arbitrary<JsonValue> = fc.constantFrom(null, 1, "a", true, [], [null], [["a"]], {}, { a: 1 });
  const empties: fc.Arbitrary<JsonObject> = fc.constantFrom(
    { apiVersion: "test.io/v1", kind: "Thing" },
    { apiVersion: "test.io/v1", kind: "Thing", metadata: {}, spec: {} },
    { apiVersion: "test.io/v1", kind: "Thing", metadata: {}, status: {} },
    { apiVersion: "test.io/v1", kind: "Thing", metadata: { name: "b" } },
    { apiVersion: "test.io/v2", kind: "Thing" },
  );
  const seen = { said: 0, unsaid: 0 };
  fc.assert(
    fc.property(
      wholeSpecs,
      empties,
      fc.option(odd),
      fc.nat(),
      fc.boolean(),
      (spec, empty, other, at, root) => {
        const object = thingOf(structuredClone(spec));
        if (other !== null)
          putAt(root || object.spec === undefined ? object : (object.spec as JsonObject), at, other);
        const said = addedToEmpty(thingType, empty, object);
        let plain = true;
        try {
          validateTyped(thingType, object, { allowDuplicates: true });
        } catch {
          plain = false;
        }
        const { removed, modified, added } = plain
          ? compareTyped(thingType, empty, object)
          : { removed: FieldSet.empty, modified: FieldSet.empty, added: FieldSet.empty };
        plain &&= removed.isEmpty && modified.isEmpty;
        seen[said === undefined ? "unsaid" : "said"]++;
        assert.equal(said !== undefined, plain);
        assert.ok(said?.equals(added) !== false);
      },
    ),
    { numRuns: 5_000 },
  );
  assert.ok(seen.said > 500 && seen.unsaid > 500, JSON.stringify(seen));
});

/** Puts a value somewhere into an object: in the place of one that is there, or beside them. */
function putAt(object: JsonObject, at: number, value: JsonValue): void {
  const keys = [...Object.keys(object), "other"];
  const key = keys[at % keys.length]!;
  const inner = object[key];
  if (typeof inner === "object" && inner !== null && !Array.isArray(inner) && at % 3 !== 0)
    putAt(inner as JsonObject, at >> 2, value);
  else object[key] = value;
}

test("levels with very many or very long names are not kept", () => {
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, "v"]));
  assert.notEqual(addedBelow(deducedType, { many }), addedBelow(deducedType, { many }));
  const long = { ["k".repeat(127)]: "v" };
  assert.notEqual(addedBelow(deducedType, { long }), addedBelow(deducedType, { long }));
});
