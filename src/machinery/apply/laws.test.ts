import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { StatusError } from "#machinery/errors/status-error.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { object, string } from "#machinery/schema/testing.ts";
import { compareTyped, isSame } from "./compare.ts";
import { FieldManager, managedFieldsOf } from "./field-manager.ts";
import { FieldSet } from "./field-set.ts";
import { type ManagedFieldsEntry, readManaged } from "./managed.ts";
import { mergeTyped } from "./merge.ts";
import { removeFields } from "./remove.ts";
import { specs, thingKind, thingOf, thingType, wholeSpecs } from "./testing/things.ts";
import { toFieldSet } from "./to-field-set.ts";
import { TypedSchemas } from "./typed-node.ts";

const manager = new FieldManager();
const at = (second: number): string => `2026-01-01T00:00:0${second}Z`;

const apply = (
  live: JsonObject | undefined,
  spec: JsonObject,
  by: string,
  force = false,
  second = 1,
): JsonObject => manager.apply(thingKind(), live, thingOf(spec), by, force, at(second));

/** The object without the order of its lists, whose items come in the order of the applies. */
function unordered(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(unordered).sort((a, b) => (text(a) < text(b) ? -1 : 1));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, unordered(value[key]!)]),
  );
}
const text = (value: JsonValue): string => JSON.stringify(value);
const entries = (object: JsonObject): ManagedFieldsEntry[] =>
  (managedFieldsOf(object) ?? []) as ManagedFieldsEntry[];
const withoutTimes = (object: JsonObject): JsonValue =>
  JSON.parse(JSON.stringify(object, (key, value) => (key === "time" ? undefined : value))) as JsonValue;

describe("apply", () => {
  it("twice is the same as once", () => {
    fc.assert(
      fc.property(wholeSpecs, wholeSpecs, (before, spec) => {
        const live = apply(undefined, before, "other");
        const once = apply(live, spec, "me", true, 2);
        assert.deepEqual(apply(once, spec, "me", false, 3), once);
      }),
    );
  });

  it("of two managers that share no field gives the same in either order", () => {
    fc.assert(
      fc.property(specs(["a", "b"]), specs(["c", "d"]), (first, second) => {
        const one = apply(apply(undefined, first, "one"), second, "two");
        const two = apply(apply(undefined, second, "two"), first, "one");
        assert.deepEqual(unordered(one), unordered(two));
      }),
    );
  });

  it("owns what it says and removes what it no longer says", () => {
    fc.assert(
      fc.property(wholeSpecs, wholeSpecs, (first, second) => {
        const live = apply(apply(undefined, first, "me"), second, "me");
        const set = toFieldSet(thingType, thingOf(second));
        const [mine] = entries(live);
        const owned = readManaged(managedFieldsOf(live)).sets.values().next().value;
        if (mine === undefined) assert.deepEqual(second, {});
        else
          assert.ok(
            set
              .withNamedFields(thingType)
              .difference(owned!.set.withNamedFields(thingType))
              .below("f:spec") === undefined,
          );
        // Nobody else owned anything: what is there is what was said last, with what was set to null by being emptied.
        assert.ok(
          compareTyped(thingType, thingOf(second), { ...live, metadata: { name: "x" } }).modified.isEmpty,
        );
      }),
    );
  });

  it("with force takes what others have and changes nothing else", () => {
    fc.assert(
      fc.property(wholeSpecs, wholeSpecs, (theirs, mine) => {
        const live = apply(undefined, theirs, "them");
        const forced = apply(live, mine, "me", true, 2);
        let refused: StatusError | undefined;
        try {
          apply(live, mine, "me", false, 2);
        } catch (error) {
          if (!(error instanceof StatusError)) throw error;
          refused = error;
        }
        const sets = [...readManaged(managedFieldsOf(forced)).sets.values()];
        const fields = new Set<string>();
        const [left, right] = sets;
        if (left !== undefined && right !== undefined)
          left.set.intersection(right.set).forEachPath((path) => fields.add(path.join("/")));
        const { modified } = compareTyped(
          thingType,
          { ...live, metadata: { name: "x" } },
          { ...forced, metadata: { name: "x" } },
        );
        modified.forEachPath((path) =>
          assert.ok(!fields.has(path.join("/")), "a changed field has one owner"),
        );
        assert.equal(refused === undefined, modified.isEmpty);
        if (refused === undefined)
          assert.deepEqual(withoutTimes(apply(live, mine, "me", false, 2)), withoutTimes(forced));
      }),
    );
  });
});

describe("values", () => {
  it("are gone when their own fields are removed", () => {
    fc.assert(
      fc.property(wholeSpecs, (spec) => {
        const value = thingOf({ ...spec, count: 1 });
        const set = toFieldSet(thingType, value);
        const rest = removeFields(thingType, value, set.withNamedFields(thingType));
        assert.equal(rest, null);
      }),
    );
  });

  it("keep an item whose key is a default, although all of its fields are removed", () => {
    const type = new TypedSchemas({ resolve: (name) => assert.fail(name) }).node({
      kind: "list",
      listType: "map",
      listMapKeys: ["type"],
      items: object(["type", { kind: "string", default: "" }, "o"], ["status", string, "o"]),
    });
    const item = 'k:{"type":""}';
    const fields = FieldSet.of([item, "f:type"], [item, "f:status"]);
    assert.deepEqual(removeFields(type, [{ type: "", status: "a" }], fields), [{}]);
    assert.equal(removeFields(type, [{ type: "", status: "a" }], FieldSet.of([item])), null);
  });

  it("do not differ from themselves, and a merge says all that was put in", () => {
    fc.assert(
      fc.property(wholeSpecs, wholeSpecs, (left, right) => {
        const [a, b] = [thingOf(left), thingOf(right)];
        assert.ok(isSame(compareTyped(thingType, a, structuredClone(a))));
        const merged = mergeTyped(thingType, a, b);
        const fromB = compareTyped(thingType, b, merged);
        assert.ok(fromB.removed.isEmpty && fromB.modified.isEmpty);
        // A free value may become one of another kind.
        const changed = compareTyped(thingType, a, merged).removed;
        if (left.free === undefined || right.free === undefined) assert.ok(changed.isEmpty);
      }),
    );
  });

  it("differ by what one has and the other does not", () => {
    fc.assert(
      fc.property(wholeSpecs, wholeSpecs, (left, right) => {
        const forth = compareTyped(thingType, thingOf(left), thingOf(right));
        const back = compareTyped(thingType, thingOf(right), thingOf(left));
        assert.ok(forth.added.equals(back.removed) && forth.removed.equals(back.added));
        assert.ok(forth.modified.equals(back.modified));
      }),
    );
  });
});
