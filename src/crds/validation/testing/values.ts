/** Values that almost satisfy a schema. */
import { cloneJson } from "#machinery/json/clone.ts";
import { isJsonObject, type JsonObject, type JsonValue, rawNumber, setOwn } from "#machinery/json/value.ts";
import type { Chance } from "#machinery/testing/chance.ts";
import { samples } from "./format-samples.ts";

export const names = ["a", "b", "c", "name", "key", "x-y", "__proto__", "1"];
const texts = ["", "a", "b", "abc", "é☃", "a-b", "10", "long text here", "10.0.0.1", "2020-01-01", "😀😀"];
const numbers: readonly JsonValue[] = [
  0,
  1,
  2,
  3,
  5,
  10,
  -1,
  1.5,
  2.5,
  0.3,
  2147483648,
  1e6,
  1234567.5,
  rawNumber("9007199254740993"),
];

/** A value for a schema; each place goes wrong with the given probability. */
export function nearly(chance: Chance, schema: JsonObject, faults: number): JsonValue {
  if (chance.is(faults)) return chance.is(0.3) ? null : anyValue(chance, 2);
  if (Array.isArray(schema.enum) && chance.is(0.8)) return chance.pick(schema.enum);
  if (schema["x-kubernetes-int-or-string"] === true) return chance.pick<JsonValue>([1, 3, "a", "5%"]);
  switch (schema.type) {
    case "string": {
      const of = typeof schema.format === "string" ? samples[schema.format] : undefined;
      return chance.pick(of !== undefined && chance.is(0.7) ? of : texts);
    }
    case "integer":
      return chance.pick(numbers.filter((number) => typeof number !== "number" || Number.isInteger(number)));
    case "number":
      return chance.pick(numbers);
    case "boolean":
      return chance.is(0.5);
    case "array": {
      const items = isJsonObject(schema.items) ? schema.items : {};
      const list = Array.from({ length: chance.below(4) }, () => nearly(chance, items, faults));
      return list.length > 0 && chance.is(0.2) ? [...list, cloneJson(list[0]!)] : list;
    }
    default:
      return objectOf(chance, schema, faults);
  }
}

function objectOf(chance: Chance, schema: JsonObject, faults: number): JsonObject {
  const object: JsonObject = {};
  if (schema["x-kubernetes-embedded-resource"] === true) {
    if (chance.is(0.9)) object.apiVersion = chance.pick<JsonValue>(["v1", "a/v1", "a/b/c", 1, ""]);
    if (chance.is(0.9)) object.kind = chance.pick<JsonValue>(["Pod", "A b", 1, ""]);
    if (chance.is(0.8)) object.metadata = metadataOf(chance);
  }
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  for (const name of Object.keys(properties)) {
    const part = properties[name];
    if (isJsonObject(part) && chance.is(0.75)) setOwn(object, name, nearly(chance, part, faults));
  }
  const additional = schema.additionalProperties;
  if (additional !== undefined || chance.is(faults)) {
    for (const name of chance.some(names, 3)) {
      const value = isJsonObject(additional) ? nearly(chance, additional, faults) : anyValue(chance, 2);
      if (!Object.hasOwn(object, name)) setOwn(object, name, value);
    }
  }
  return object;
}

function anyValue(chance: Chance, depth: number): JsonValue {
  const kind = chance.below(depth > 0 ? 7 : 5);
  if (kind === 0) return null;
  if (kind === 1) return chance.is(0.5);
  if (kind === 2) return chance.pick(numbers);
  if (kind <= 4) return chance.pick(texts);
  if (kind === 5) return Array.from({ length: chance.below(3) }, () => anyValue(chance, depth - 1));
  const object: JsonObject = {};
  for (const name of chance.some(names, 3)) setOwn(object, name, anyValue(chance, depth - 1));
  return object;
}

export function metadataOf(chance: Chance): JsonValue {
  if (chance.is(0.05)) return chance.pick<JsonValue>([null, 1, "x", []]);
  const metadata: JsonObject = { name: "x" };
  if (chance.is(0.3)) metadata.labels = chance.pick<JsonValue>([{ a: "b" }, { a: 1 }, "x", null]);
  if (chance.is(0.3)) metadata.unknown = 1;
  if (chance.is(0.2)) metadata.finalizers = chance.pick<JsonValue>([["a/b"], [1], null]);
  if (chance.is(0.2))
    metadata.creationTimestamp = chance.pick<JsonValue>([null, "2020-01-01T00:00:00Z", "x"]);
  if (chance.is(0.2))
    metadata.ownerReferences = [{ apiVersion: "v1", kind: "A", name: "b", uid: "c", more: 1 }];
  if (chance.is(0.2)) metadata.namespace = chance.pick<JsonValue>(["x", "X Y", 3]);
  return metadata;
}
