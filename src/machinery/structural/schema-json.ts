/** A node as the schema text it came from, as far as the types of expressions need it. */
import { type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { flags, type SchemaNode } from "./node.ts";

export function schemaJsonOf(node: SchemaNode): JsonObject {
  const json: JsonObject = {};
  if (node.type !== "") json.type = node.type;
  if (node.has(flags.nullable)) json.nullable = true;
  if (node.has(flags.preserve)) json["x-kubernetes-preserve-unknown-fields"] = true;
  if (node.has(flags.embedded)) json["x-kubernetes-embedded-resource"] = true;
  if (node.has(flags.intOrString)) json["x-kubernetes-int-or-string"] = true;
  if (node.default !== undefined) json.default = node.default;
  if (node.names.length > 0) {
    const properties: JsonObject = {};
    for (let i = 0; i < node.names.length; i++) {
      setOwn(properties, node.names[i]!, schemaJsonOf(node.nodes[i]!));
    }
    json.properties = properties;
  }
  if (node.items !== undefined) json.items = schemaJsonOf(node.items);
  if (node.additional !== undefined) {
    json.additionalProperties =
      typeof node.additional === "object" ? schemaJsonOf(node.additional) : node.additional;
  }
  if (node.list !== undefined) {
    json["x-kubernetes-list-type"] = node.list.type;
    if (node.list.keys.length > 0) json["x-kubernetes-list-map-keys"] = [...node.list.keys];
  }
  const { checks } = node;
  if (checks === undefined) return json;
  for (const key of [
    "format",
    "maxLength",
    "minLength",
    "maxItems",
    "minItems",
    "maxProperties",
    "minProperties",
  ] as const) {
    const value = checks[key];
    if (value !== undefined) json[key] = value;
  }
  if (checks.enum !== undefined) json.enum = checks.enum as JsonValue[];
  if (checks.required !== undefined) json.required = [...checks.required];
  return json;
}
