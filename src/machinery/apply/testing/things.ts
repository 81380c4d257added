/** A kind with every sort of list and map, for the tests of this room. */
import fc from "fast-check";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import { boolean, integer, list, map, object, string } from "#machinery/schema/testing.ts";
import type { Schema } from "#machinery/schema/types.ts";
import type { ManagedKind } from "../field-manager.ts";
import { FieldSet } from "../field-set.ts";
import { TypedSchemas } from "../typed-node.ts";

const item: Schema = object(
  ["name", string],
  ["port", { kind: "integer", default: 80 }, "o"],
  ["value", string, "o"],
  ["tags", map(string), "o"],
);
const spec: Schema = object(
  ["count", integer("int32"), "o"],
  ["on", boolean, "op"],
  ["labels", map(string), "o"],
  ["selector", { kind: "map", values: string, atomic: true }, "o"],
  ["inner", object(["a", string, "o"], ["b", string, "o"]), "op"],
  ["whole", { ...object(["a", string, "o"], ["b", string, "o"]), atomic: true }, "op"],
  ["set", { kind: "list", items: string, listType: "set" }, "o"],
  ["items", { kind: "list", items: item, listType: "map", listMapKeys: ["name", "port"] }, "o"],
  ["args", list(string), "o"],
  ["free", { kind: "any" }, "o"],
  ["raw", { kind: "any", format: "raw-extension" }, "o"],
);
const metadata: Schema = object(
  ["name", string, "o"],
  ["namespace", string, "o"],
  ["uid", string, "o"],
  ["labels", map(string), "o"],
  ["annotations", map(string), "o"],
);
export const thing: Schema = object(
  ["apiVersion", string, "o"],
  ["kind", string, "o"],
  ["metadata", metadata, "o"],
  ["spec", spec, "o"],
  ["status", spec, "o"],
);

const schemas = new TypedSchemas({
  resolve: (name) => {
    throw new Error(`no type ${name}`);
  },
});
export const thingType = schemas.node(thing);

/** Versions v1 and v2 of a Thing differ in nothing; v3 was dropped. */
export const thingKind = (version = "v1", subresource = ""): ManagedKind => ({
  apiVersion: `test.io/${version}`,
  kind: "Thing",
  subresource,
  typeIn: (apiVersion) => (apiVersion === "test.io/v3" ? undefined : thingType),
  convert: (from, apiVersion) => ({ ...from, apiVersion }),
  resetFields: () => FieldSet.of(subresource === "status" ? ["f:spec"] : ["f:status"]),
  emptyObject: () => ({ apiVersion: `test.io/${version}`, kind: "Thing" }),
  complete: (merged) => merged,
});

export const thingOf = (content: JsonObject, meta: JsonObject = {}, version = "v1"): JsonObject => ({
  apiVersion: `test.io/${version}`,
  kind: "Thing",
  metadata: { name: "x", ...meta },
  ...(Object.keys(content).length > 0 && { spec: content }),
});

/** Objects with the usual prototype, as parsed ones have. */
const plain = (value: JsonObject): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

/** Specs whose names are made of some letters: two alphabets do not meet. Containers are never empty. */
export function specs(names: readonly string[]): fc.Arbitrary<JsonObject> {
  const name = fc.constantFrom(...names);
  const text = fc.constantFrom("1", "2");
  const pairs = fc.dictionary(name, text, { minKeys: 1, maxKeys: 3 });
  const items = fc.uniqueArray(
    fc.record({ name, port: fc.constantFrom(80, 443), value: text, tags: pairs }, { requiredKeys: ["name"] }),
    { minLength: 1, maxLength: 4, selector: ({ name: own, port = 80 }) => `${own} ${port}` },
  );
  return fc
    .record(
      {
        labels: pairs,
        set: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
        items: items as fc.Arbitrary<JsonValue>,
        free: fc.dictionary(
          name,
          fc.oneof<fc.Arbitrary<JsonValue>[]>(text, pairs, fc.array(text, { minLength: 1 })),
          {
            minKeys: 1,
            maxKeys: 3,
          },
        ),
      },
      { requiredKeys: [] },
    )
    .map((spec) => plain(spec as JsonObject));
}

/** The same with what two managers cannot share. */
export const wholeSpecs: fc.Arbitrary<JsonObject> = fc
  .tuple(
    specs(["a", "b", "c"]),
    fc.record(
      {
        count: fc.nat(2),
        on: fc.boolean(),
        selector: fc.dictionary(fc.constantFrom("a", "b"), fc.constantFrom("1", "2"), {
          minKeys: 1,
        }),
        inner: fc.record({ a: fc.constantFrom("1", "2"), b: fc.constantFrom("1", "2") }),
        whole: fc.record({ a: fc.constantFrom("1", "2") }),
        args: fc.array(fc.constantFrom("1", "2"), { minLength: 1 }),
        raw: fc.record({ a: fc.nat(2) }),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([shared, own]) => plain({ ...shared, ...own } as JsonObject));
