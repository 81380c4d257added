/**
 * Custom resources in Swagger 2.0, which knows less than a structural schema
 * (k8s.io/apiextensions-apiserver pkg/controller/openapi/v2/conversion.go).
 */
import { isJsonObject, type JsonObject } from "#machinery/json/value.ts";
import type { TypeName } from "#machinery/schema/types.ts";
import type { CustomServed } from "#server/endpoints/served-set.ts";
import { addEmbedded, addMembers, mapMembers, publishedSchema, schemasOf } from "./custom-schemas.ts";

/** Definitions of a kind and of its list. References still point to v3's components. */
export function swaggerCustomSchemas(served: CustomServed): readonly (readonly [TypeName, JsonObject])[] {
  return schemasOf(served, (schema) => {
    // kubectl would take every member that is not named for an error.
    if (served.preserveUnknownFields || schema["x-kubernetes-preserve-unknown-fields"] === true)
      return undefined;
    const root = reduce(publishedSchema(schema));
    addEmbedded(root, false);
    addMembers(root);
    return root;
  });
}

/** Drops what Swagger cannot say and what kubectl would take for more than it means. */
function reduce(schema: JsonObject): JsonObject {
  const { allOf: _allOf, anyOf: _anyOf, oneOf: _oneOf, not: _not, default: _default, ...out } = schema;
  const unknown = out["x-kubernetes-preserve-unknown-fields"] === true;
  if (out.nullable === true) {
    delete out.nullable;
    delete out.type;
  }
  if (schema.nullable === true || unknown) {
    delete out.items;
    delete out.properties;
  }
  if (out.items === undefined && out.type === "array") delete out.type;
  if (unknown && out.type === "object") delete out.type;
  dropNullableRequired(out);
  if (isJsonObject(out.items)) out.items = reduce(out.items);
  if (isJsonObject(out.properties)) out.properties = mapMembers(out.properties, reduce);
  if (isJsonObject(out.additionalProperties)) out.additionalProperties = reduce(out.additionalProperties);
  return out;
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
