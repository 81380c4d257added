/** Schemas that upstream refuses for many reasons. */
import fc from "fast-check";
import { cloneJson } from "#machinery/json/clone.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "#machinery/json/value.ts";
import { Chance } from "#machinery/testing/chance.ts";
import { anySchema } from "./schemas.ts";

/** A schema with things in it that do not belong there. */
export const brokenSchema: fc.Arbitrary<JsonObject> = fc
  .tuple(anySchema, fc.integer({ min: 0 }))
  .map(([schema, seed]) => {
    const chance = new Chance(seed);
    if (chance.is(0.3)) return schema;
    const nodes: JsonObject[] = [];
    const collect = (value: JsonValue): void => {
      if (Array.isArray(value)) value.forEach(collect);
      else if (isJsonObject(value)) {
        nodes.push(value);
        for (const key of ["properties", "items", "additionalProperties", "allOf", "anyOf", "oneOf", "not"]) {
          if (key === "properties" && isJsonObject(value.properties))
            Object.values(value.properties).forEach(collect);
          else if (value[key] !== undefined) collect(value[key]);
        }
      }
    };
    collect(schema);
    for (let i = 1 + chance.below(2); i > 0; i--) spoil(chance, chance.pick(nodes));
    return schema;
  });

function spoil(chance: Chance, node: JsonObject): void {
  const faults: readonly (readonly [string, JsonValue])[] = [
    ["type", "null"],
    ["type", "text"],
    ["type", "array"],
    ["$ref", "#/a"],
    ["id", "x"],
    ["$schema", "x"],
    ["definitions", { a: { type: "string" } }],
    ["patternProperties", { "^a": { type: "string" } }],
    ["dependencies", { a: ["b"] }],
    ["additionalItems", false],
    ["additionalProperties", { type: "string" }],
    ["additionalProperties", true],
    ["additionalProperties", false],
    ["uniqueItems", true],
    ["nullable", true],
    ["description", "x"],
    ["title", "x"],
    ["default", { a: 1, zz: [] }],
    ["default", "a"],
    ["pattern", "(a"],
    ["maxLength", 3],
    ["x-kubernetes-preserve-unknown-fields", false],
    ["x-kubernetes-preserve-unknown-fields", true],
    ["x-kubernetes-embedded-resource", true],
    ["x-kubernetes-int-or-string", true],
    ["x-kubernetes-list-type", "map"],
    ["x-kubernetes-list-type", "set"],
    ["x-kubernetes-list-type", "odd"],
    ["x-kubernetes-list-map-keys", ["a", "a"]],
    ["x-kubernetes-map-type", "atomic"],
    ["x-kubernetes-map-type", "odd"],
    ["x-kubernetes-validations", [{ rule: "" }]],
    ["x-kubernetes-validations", [{ rule: "self.zz" }]],
    ["x-kubernetes-validations", [{ rule: "true", message: " " }, { rule: "a\nb" }]],
    ["x-kubernetes-validations", [{ rule: "true", fieldPath: ".zz", reason: "Odd" }]],
    ["x-kubernetes-validations", [{ rule: "self == oldSelf", optionalOldSelf: true }]],
    ["x-kubernetes-validations", [{ rule: "true", optionalOldSelf: true }]],
    ["x-kubernetes-validations", [{ rule: "1", messageExpression: "2" }]],
    ["anyOf", [{ type: "integer" }, { type: "string" }]],
    ["allOf", [{ properties: { zz: { type: "string" } } }]],
    ["oneOf", [{ items: { minLength: 1 } }, { additionalProperties: { maxLength: 1 } }]],
    ["not", { "x-kubernetes-int-or-string": true, nullable: true }],
    ["required", ["a", "zz"]],
    ["enum", [1, "a", null]],
    ["format", "odd"],
  ];
  const [key, value] = chance.pick(faults);
  if (chance.is(0.15)) delete node[key];
  else node[key] = cloneJson(value);
}
