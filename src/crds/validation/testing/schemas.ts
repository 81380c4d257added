/** Structural schemas, for comparisons with upstream. */
import type fc from "fast-check";
import { isJsonObject, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { type Chance, seeded } from "#machinery/testing/chance.ts";
import { formats } from "./format-samples.ts";
import { names, nearly } from "./values.ts";

/** A root schema that is structural. */
export const anySchema: fc.Arbitrary<JsonObject> = seeded((chance) => {
  const properties: JsonObject = { spec: schemaOf(chance, 3) };
  if (chance.is(0.7)) properties.status = schemaOf(chance, 2);
  if (chance.is(0.2))
    properties.metadata = { type: "object", properties: { name: { type: "string", maxLength: 3 } } };
  return { type: "object", properties, ...(chance.is(0.1) ? { required: ["spec"] } : {}) };
});

function schemaOf(chance: Chance, depth: number): JsonObject {
  const kinds = ["string", "string", "integer", "number", "boolean", "either"];
  if (depth > 0)
    kinds.push("object", "object", "object", "map", "list", "list", "keyed", "set", "free", "embedded");
  const kind = chance.pick(kinds);
  const schema = bare(chance, kind, depth);
  if (chance.is(0.15)) schema.nullable = true;
  if (chance.is(0.12) && kind !== "embedded") {
    const value = nearly(chance, schema, 0.05);
    if (value !== null) schema.default = value;
  }
  if (chance.is(0.12)) combine(chance, schema, kind);
  if (chance.is(0.15)) schema["x-kubernetes-validations"] = [ruleOf(chance, schema)];
  return schema;
}

function bare(chance: Chance, kind: string, depth: number): JsonObject {
  switch (kind) {
    case "string":
      return { type: "string", ...stringChecks(chance) };
    case "integer":
    case "number":
      return { type: kind, ...numberChecks(chance, kind) };
    case "boolean":
      return { type: "boolean", ...(chance.is(0.1) ? { enum: [true] } : {}) };
    case "either":
      return { "x-kubernetes-int-or-string": true, ...(chance.is(0.3) ? { maximum: 5, pattern: "^a" } : {}) };
    case "map":
      return {
        type: "object",
        additionalProperties: chance.is(0.8) ? schemaOf(chance, depth - 1) : chance.is(0.5),
        ...sizes(chance, "Properties"),
      };
    case "list":
      return { type: "array", items: schemaOf(chance, depth - 1), ...sizes(chance, "Items") };
    case "set":
      return {
        type: "array",
        "x-kubernetes-list-type": "set",
        items: { type: chance.pick(["string", "integer"]) },
      };
    case "keyed":
      return keyedList(chance, depth);
    case "free":
      return {
        ...(chance.is(0.7) ? { type: "object" } : {}),
        "x-kubernetes-preserve-unknown-fields": true,
        ...(chance.is(0.4) ? { type: "object", ...fieldsOf(chance, depth) } : {}),
      };
    case "embedded":
      return {
        type: "object",
        "x-kubernetes-embedded-resource": true,
        "x-kubernetes-preserve-unknown-fields": true,
        ...(chance.is(0.4) ? fieldsOf(chance, depth) : {}),
      };
    default:
      return { type: "object", ...fieldsOf(chance, depth), ...sizes(chance, "Properties") };
  }
}

function keyedList(chance: Chance, depth: number): JsonObject {
  const keys = chance.is(0.7) ? ["name"] : ["name", "key"];
  const items = { type: "object", ...fieldsOf(chance, depth - 1) } as JsonObject;
  const properties = items.properties as JsonObject;
  properties.name = { type: "string" };
  if (keys.length > 1) properties.key = { type: chance.pick(["string", "integer"]) };
  items.required = keys;
  return { type: "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys, items };
}

function fieldsOf(chance: Chance, depth: number): JsonObject {
  const properties: JsonObject = {};
  for (const name of new Set([chance.pick(names), ...chance.some(names, 3)]))
    setOwn(properties, name, schemaOf(chance, depth - 1));
  const required = chance.is(0.4) ? chance.some(Object.keys(properties), 2) : [];
  return { properties, ...(required.length === 0 ? {} : { required }) };
}

function stringChecks(chance: Chance): JsonObject {
  const checks: JsonObject = {};
  if (chance.is(0.2)) checks.maxLength = chance.below(5);
  if (chance.is(0.2)) checks.minLength = chance.below(3);
  if (chance.is(0.15)) checks.pattern = chance.pick(["^a", "b$", "^[a-z]+$", "(a|b)+", "^\\d+$"]);
  if (chance.is(0.15)) checks.enum = ["abc", ...chance.some(["a", "b", ""], 3)];
  if (chance.is(0.15)) checks.format = chance.pick([...formats, "unknown", "int32"]);
  return checks;
}

function numberChecks(chance: Chance, kind: string): JsonObject {
  const checks: JsonObject = {};
  const bound = (): number => chance.pick(kind === "number" ? [0, 1, 2.5, 10] : [0, 1, 5, 10]);
  if (chance.is(0.2)) checks.maximum = bound();
  if (chance.is(0.2)) checks.minimum = bound();
  if (chance.is(0.1)) checks.exclusiveMaximum = true;
  if (chance.is(0.1)) checks.exclusiveMinimum = true;
  if (chance.is(0.1)) checks.multipleOf = chance.pick([1, 2, 5, 0.5, 0.1, 2.5]);
  if (chance.is(0.1)) checks.enum = chance.pick([[1, 2], [1.5], [3, "a", 2.5]]) as JsonValue[];
  if (chance.is(0.15)) checks.format = chance.pick(["int32", "int64", "float", "double", "date"]);
  return checks;
}

function sizes(chance: Chance, of: string): JsonObject {
  const checks: JsonObject = {};
  if (chance.is(0.15)) checks[`max${of}`] = chance.below(3);
  if (chance.is(0.15)) checks[`min${of}`] = chance.below(3);
  return checks;
}

function combine(chance: Chance, schema: JsonObject, kind: string): void {
  const names = isJsonObject(schema.properties) ? Object.keys(schema.properties) : [];
  const part = (): JsonObject => {
    if (kind === "string") return { ...stringChecks(chance), maxLength: chance.below(5) };
    if (kind === "integer" || kind === "number")
      return { ...numberChecks(chance, kind), minimum: chance.below(5) };
    if (kind === "either") return { minimum: 2 };
    if (names.length === 0) return sizes(chance, "Properties");
    const name = chance.pick(names);
    const inner = (schema.properties as JsonObject)[name];
    const properties: JsonObject = {};
    setOwn(properties, name, isJsonObject(inner) && inner.type === "string" ? { enum: ["a"] } : {});
    return chance.is(0.5) ? { required: [name] } : { properties };
  };
  const key = chance.pick(["allOf", "anyOf", "oneOf", "not"]);
  schema[key] = key === "not" ? part() : [part(), part(), ...(chance.is(0.3) ? [part()] : [])];
}

/** Rules that compile for any schema of the type. */
function ruleOf(chance: Chance, schema: JsonObject): JsonObject {
  const rules = ["self == oldSelf", "true", "1 == 2"];
  if (schema.type === "string") rules.push("self.size() < 3", "self.startsWith('a') || self == oldSelf");
  if (schema.type === "integer") rules.push("self < 3", "10 / self > 1", "self >= oldSelf");
  if (schema.type === "number") rules.push("self < 3.0");
  if (schema.type === "array")
    rules.push("self.size() < 2", "self.all(x, x == self[0])", "self[1] == self[0]");
  const rule = chance.pick(rules);
  return {
    rule,
    ...(chance.is(0.3) ? { message: chance.pick(["told", " told "]) } : {}),
    ...(chance.is(0.2) && schema.type !== "object"
      ? { messageExpression: chance.pick(["'made: ' + string(1)", "'a\\nb'", "''", "string(1/0)"]) }
      : {}),
    ...(chance.is(0.2)
      ? {
          reason: chance.pick([
            "FieldValueRequired",
            "FieldValueForbidden",
            "FieldValueDuplicate",
            "FieldValueInvalid",
          ]),
        }
      : {}),
  };
}
