/** Schemas as definitions write them, for the types of expressions. */
import { getOwn, isJsonObject, isRawNumber, type JsonObject } from "#machinery/json/value.ts";
import type { SchemaReader } from "./schema-typed.ts";

export const jsonSchema: SchemaReader<JsonObject> = {
  type: ({ type }) => (typeof type === "string" ? type : undefined),
  format: ({ format }) => (typeof format === "string" ? format : undefined),
  isIntOrString: (schema) => schema["x-kubernetes-int-or-string"] === true,
  isNullable: ({ nullable }) => nullable === true,
  isEmbedded: (schema) => schema["x-kubernetes-embedded-resource"] === true,
  hasDefault: (schema) => (getOwn(schema, "default") ?? null) !== null,
  limit(schema, name) {
    const value = getOwn(schema, name);
    if (typeof value === "number") return Math.max(value, 0);
    return isRawNumber(value) ? Math.max(Number(value.rawJSON), 0) : undefined;
  },
  enum: ({ enum: values }) => (Array.isArray(values) ? values : undefined),
  listType(schema) {
    const kind = schema["x-kubernetes-list-type"];
    return kind === "set" || kind === "map" ? kind : undefined;
  },
  mapKeys: (schema) => strings(schema["x-kubernetes-list-map-keys"]),
  items: (schema) => objectAt(schema, "items"),
  additional: (schema) => objectAt(schema, "additionalProperties"),
  property(schema, name) {
    const properties = objectAt(schema, "properties");
    return properties === undefined ? undefined : objectAt(properties, name);
  },
  required: ({ required }) => strings(required),
};

const strings = (value: JsonObject[string] | undefined): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];

function objectAt(object: JsonObject, key: string): JsonObject | undefined {
  const value = getOwn(object, key);
  return isJsonObject(value) ? value : undefined;
}
