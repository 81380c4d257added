/**
 * Custom resources in Swagger 2.0, which knows less than a structural schema
 * (k8s.io/apiextensions-apiserver pkg/controller/openapi/v2/conversion.go).
 */
import { getOwn, isJsonObject, type JsonObject, setOwn } from "#machinery/json/value.ts";
import type { CustomServed } from "#server/endpoints/served-set.ts";
import {
  addEmbedded,
  addEmbeddedHere,
  addMembers,
  type CustomEntry,
  publishedSchema,
  schemasOf,
} from "./custom-schemas.ts";
import { type SchemaMaker, slicedSchema } from "./sliced.ts";
import { swaggerSchema } from "./swagger.ts";

const swagger: SchemaMaker = {
  whole(schema) {
    const out = swagger.shape(schema);
    addEmbedded(out, false);
    return withSwaggerReferences(out);
  },
  shape: (schema) => reduce(publishedSchema(schema)),
  finish(schema) {
    addEmbeddedHere(schema, false);
    referToMetadata(schema);
  },
};

/** Definitions of a kind and of its list; `undefined` where others may have their turn. */
export function* swaggerCustomSchemas(served: CustomServed): Generator<CustomEntry | undefined> {
  const [kind, list] = yield* schemasOf(served, function* (schema) {
    // kubectl would take every member that is not named for an error.
    if (served.preserveUnknownFields || schema["x-kubernetes-preserve-unknown-fields"] === true)
      return undefined;
    const root = yield* slicedSchema(schema, swagger);
    addMembers(root);
    referToMetadata(root);
    return root;
  });
  yield kind;
  yield [list[0], swaggerSchema(list[1], false)];
}

const droppedMembers: readonly string[] = ["allOf", "anyOf", "oneOf", "not", "default"];

/** Drops what Swagger cannot say and what kubectl would take for more than it means. Changes its argument, which is this function's own. */
function reduce(schema: JsonObject): JsonObject {
  let out = schema;
  if (droppedMembers.some((name) => schema[name] !== undefined)) {
    const { allOf: _allOf, anyOf: _anyOf, oneOf: _oneOf, not: _not, default: _default, ...rest } = schema;
    out = rest;
  }
  const unknown = out["x-kubernetes-preserve-unknown-fields"] === true;
  const nullable = out.nullable === true;
  if (nullable) {
    delete out.nullable;
    delete out.type;
  }
  if (nullable || unknown) {
    delete out.items;
    delete out.properties;
  }
  if (out.items === undefined && out.type === "array") delete out.type;
  if (unknown && out.type === "object") delete out.type;
  dropNullableRequired(out);
  replaceParts(out, reduce);
  return out;
}

/** The references of embedded metadata, the only ones there are. */
function withSwaggerReferences(schema: JsonObject): JsonObject {
  if (schema.allOf !== undefined) return swaggerSchema(schema, false);
  replaceParts(schema, withSwaggerReferences);
  return schema;
}

/** {@link withSwaggerReferences} where the other parts are made already. */
function referToMetadata({ properties }: JsonObject): void {
  if (!isJsonObject(properties)) return;
  const metadata = getOwn(properties, "metadata");
  if (isJsonObject(metadata)) properties.metadata = withSwaggerReferences(metadata);
}

/** Puts something else in the place of the schemas directly below. */
function replaceParts(schema: JsonObject, replace: (part: JsonObject) => JsonObject): void {
  const { items, properties, additionalProperties } = schema;
  if (isJsonObject(items)) schema.items = replace(items);
  if (isJsonObject(properties)) {
    for (const name of Object.keys(properties)) {
      const part = properties[name] as JsonObject;
      const replaced = replace(part);
      if (replaced !== part) setOwn(properties, name, replaced);
    }
  }
  if (isJsonObject(additionalProperties)) schema.additionalProperties = replace(additionalProperties);
}

function dropNullableRequired(schema: JsonObject): void {
  const { properties, additionalProperties, required } = schema;
  if (!Array.isArray(required)) return;
  const isNullable = (name: string): boolean => {
    const member = isJsonObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
    return isJsonObject(member) && member.nullable === true;
  };
  const kept =
    isJsonObject(additionalProperties) && additionalProperties.nullable === true
      ? []
      : required.filter((name) => !isNullable(String(name)));
  if (kept.length === 0) delete schema.required;
  else schema.required = kept;
}
